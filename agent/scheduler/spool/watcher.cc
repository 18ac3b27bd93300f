// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/watcher.h"

#include <fmt/format.h>

#include "agent/scheduler/spool/attempt.h"
#include "agent/scheduler/spool/policy.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

// More than the pause between two judgements, and less than a lease.
constexpr std::chrono::seconds kMaxGap{12};
// A ticket's name never comes back: seen twice, it was there all the time.
constexpr std::chrono::hours kNoGap{24 * 365};
constexpr std::size_t kMaxRemembered = 10'000;

}  // namespace

Watcher::Watcher(const Folder& folder, std::uint64_t pilot, std::string name)
    : folder_(folder), pilot_(pilot), name_(std::move(name)), waiting_(kNoGap), leases_(kMaxGap) {}

bool Watcher::may_take(const Ticket& ticket, Clock::time_point now) {
  const auto delay = delay_before(ticket, pilot_);
  return delay.count() == 0 || waiting_.observe(ticket.name(), "", now) >= delay;
}

const Request& Watcher::request_of(const std::string& job) {
  if (const auto known = requests_.find(job); known != requests_.end()) return known->second;
  // What cannot be read is taken by whoever has a core free, and fails there with its reason.
  Request request{.resources = {.cpus = 1}, .submitter = {}, .image = {}};
  if (const Result<DirFd> folder = folder_.job(job)) {
    request.submitter = submitter_of(*folder).value_or("");
    if (const Result<JobFile> file = read_job(*folder)) {
      request.resources = file->description.request;
      request.image = file->description.image;
    }
  }
  if (requests_.size() >= kMaxRemembered) requests_.clear();
  return requests_.emplace(job, std::move(request)).first->second;
}

void Watcher::complain_once(const std::string& job, const Resources& wanted) {
  if (too_large_.size() >= kMaxRemembered || !too_large_.insert(job).second) return;
  log::warning("spool: job asks for more than this pilot has, leaving it",
               {{"job", job},
                {"cpus", fmt::to_string(wanted.cpus)},
                {"memory", human_bytes(wanted.memory)},
                {"disk", human_bytes(wanted.disk)}});
}

Result<Found> Watcher::take(const Offer& offer, Clock::time_point now) {
  const std::vector<Ticket> queue = TRY(folder_.list(State::queued));
  std::set<std::string> names;
  for (const Ticket& ticket : queue)
    if (ticket.owner != 0) names.insert(ticket.name());
  waiting_.keep_only(names);
  Found found;
  bool own_waits = false;
  for (const Ticket& ticket : queue) {
    const bool due = may_take(ticket, now);
    const Request& request = request_of(ticket.job);
    switch (suits(request, offer)) {
      case Suits::too_large:
        complain_once(ticket.job, request.resources);
        continue;
      case Suits::unfit_image:
        continue;
      case Suits::others:
        found.other = request.submitter;
        continue;
      case Suits::later:
        own_waits = true;
        continue;
      case Suits::now:
        own_waits = true;
        if (due) found.taken = TRY(try_take(ticket));
        if (found.taken) return found;
    }
  }
  if (own_waits) found.other.clear();
  return found;
}

Result<std::string> Watcher::next_image(Offer offer) {
  offer.free = offer.total;
  const std::vector<Ticket> queue = TRY(folder_.list(State::queued));
  for (const Ticket& ticket : queue)
    if (const Request& request = request_of(ticket.job); suits(request, offer) == Suits::now)
      return request.image;
  return std::string();
}

Result<std::optional<Taken>> Watcher::try_take(const Ticket& ticket) {
  const Ticket mine = ticket.taken_by(pilot_);
  const bool won = TRY(folder_.move(State::queued, ticket, State::running, mine));
  if (!won) return std::optional<Taken>();
  requests_.erase(ticket.job);
  const Result<DirFd> job = folder_.job(ticket.job);
  if (!job && job.error().fault == Fault::not_found) {
    // Somebody removed the job's folder by hand: nobody can run it and nothing can be recorded.
    log::warning("spool: a job without a folder, ending it", {{"job", ticket.job}});
    [[maybe_unused]] const bool ended = TRY(folder_.move(State::running, mine, State::done, mine));
    return std::optional<Taken>();
  }
  const Result<std::string> submitter = job ? submitter_of(*job) : Result<std::string>(job.error());
  const Result<std::chrono::milliseconds> wait =
      submitter ? begin_attempt(folder_, mine, name_)
                : Result<std::chrono::milliseconds>(submitter.error());
  if (!wait) {
    [[maybe_unused]] const bool given = TRY(give_back(folder_, mine));
    return wait.error();
  }
  Taken taken{.ticket = mine, .submitter = *submitter, .job = read_job(*job), .wait = *wait};
  const Hold hold = TRY(renew(folder_, mine, name_, 1));
  taken.cancelled = hold == Hold::cancelled;
  return std::optional(std::move(taken));
}

Result<void> Watcher::judge_leases(Clock::time_point now) {
  const std::vector<Ticket> running = TRY(folder_.list(State::running));
  std::set<std::string> names;
  for (const Ticket& ticket : running) names.insert(ticket.name());
  leases_.keep_only(names);
  for (const Ticket& ticket : running) {
    const Result<std::string> lease = read_lease(folder_, ticket);
    // Not knowing is no reason to take a job away from anybody.
    if (!lease) continue;
    if (leases_.observe(ticket.name(), *lease, now) >= kLease) TRY(lapse(ticket));
  }
  return {};
}

Result<void> Watcher::lapse(const Ticket& ticket) {
  const Next next = after_lapse(ticket, pilot_);
  bool won = false;
  if (next.state == State::queued)
    won = TRY(folder_.move(State::running, ticket, State::queued, next.ticket));
  else
    won = TRY(end_unclaimed(folder_, State::running, ticket, next.ticket, next.outcome));
  if (won)
    log::warning("spool: a lease has lapsed",
                 {{"job", ticket.job}, {"attempt", fmt::to_string(ticket.attempt)}});
  return {};
}

}  // namespace podpilot::agent::spool
