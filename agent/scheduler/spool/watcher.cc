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

bool fits(const Resources& wanted, const Resources& free) {
  return wanted.cpus <= free.cpus && wanted.memory <= free.memory && wanted.disk <= free.disk;
}

Watcher::Watcher(const Folder& folder, std::uint64_t pilot, std::string name)
    : folder_(folder), pilot_(pilot), name_(std::move(name)), waiting_(kNoGap), leases_(kMaxGap) {}

bool Watcher::may_take(const Ticket& ticket, Clock::time_point now) {
  const auto delay = delay_before(ticket, pilot_);
  return delay.count() == 0 || waiting_.observe(ticket.name(), "", now) >= delay;
}

Resources Watcher::request_of(const std::string& job) {
  if (const auto known = requests_.find(job); known != requests_.end()) return known->second;
  // What cannot be read is taken by whoever has a core free, and fails there with its reason.
  const Result<JobFile> file = read_job(folder_, job);
  const Resources request = file ? file->description.request : Resources{.cpus = 1};
  if (requests_.size() >= kMaxRemembered) requests_.clear();
  requests_.emplace(job, request);
  return request;
}

void Watcher::complain_once(const std::string& job, const Resources& wanted) {
  if (too_large_.size() >= kMaxRemembered || !too_large_.insert(job).second) return;
  log::warning("spool: job asks for more than this pilot has, leaving it",
               {{"job", job},
                {"cpus", fmt::to_string(wanted.cpus)},
                {"memory", human_bytes(wanted.memory)},
                {"disk", human_bytes(wanted.disk)}});
}

Result<std::optional<Taken>> Watcher::take(const Resources& free, const Resources& total,
                                           Clock::time_point now) {
  const std::vector<Ticket> queue = TRY(folder_.list(State::queued));
  std::set<std::string> names;
  for (const Ticket& ticket : queue)
    if (ticket.owner != 0) names.insert(ticket.name());
  waiting_.keep_only(names);
  for (const Ticket& ticket : queue) {
    if (!may_take(ticket, now)) continue;
    const Resources wanted = request_of(ticket.job);
    if (!fits(wanted, total)) complain_once(ticket.job, wanted);
    if (!fits(wanted, free)) continue;
    std::optional<Taken> taken = TRY(try_take(ticket));
    if (taken) return taken;
  }
  return std::optional<Taken>();
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
  const Result<std::chrono::milliseconds> wait = begin_attempt(folder_, mine, name_);
  if (!wait) {
    [[maybe_unused]] const bool given = TRY(give_back(folder_, mine));
    return wait.error();
  }
  Taken taken{mine, read_job(folder_, ticket.job), *wait};
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
