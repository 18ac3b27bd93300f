// SPDX-License-Identifier: Apache-2.0
// Looking for work and holding on to it; spool_jobs.cc has what the pilot asks for a job.
#include "agent/scheduler/spool/spool_scheduler.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "agent/jitter.h"
#include "agent/scheduler/spool/policy.h"
#include "sandbox/base/log.h"
#include "sandbox/base/random.h"

namespace podpilot::agent {

using spool::Folder;
using spool::Hold;
using spool::Taken;
using spool::Ticket;

namespace {

constexpr std::chrono::milliseconds kLookEvery{500};
constexpr std::chrono::seconds kPeekEvery{2};
constexpr std::chrono::milliseconds kRetryActivate{100};
// How long a job goes on while the spool cannot be reached. Nobody is harmed by a long one: what
// is published is decided by a rename, not by time.
constexpr std::chrono::minutes kPatience{10};

Resources less(Resources free, const Resources& taken) {
  free.cpus -= std::min(free.cpus, taken.cpus);
  free.memory -= std::min(free.memory, taken.memory);
  free.disk -= std::min(free.disk, taken.disk);
  return free;
}

Resources request_of(const Taken& taken) {
  return taken.job ? taken.job->description.request : Resources{.cpus = 1};
}

}  // namespace

SpoolScheduler::SpoolScheduler(Poller& poller, std::string path, std::string pilot,
                               Clock::duration renew)
    : poller_(poller),
      path_(std::move(path)),
      pilot_(std::move(pilot)),
      renew_every_(renew),
      id_(random_number()) {}

SpoolScheduler::~SpoolScheduler() {
  stop();
}

Result<void> SpoolScheduler::start(const Offer& offer, PilotPort& port) {
  Folder folder = TRY(Folder::open(path_, spool::Create::yes).within("spool"));
  folder_ = std::make_shared<const Folder>(std::move(folder));
  if (folder_->newer_format())
    log::warning("spool: a newer podpilot uses this folder too, leaving its jobs alone",
                 {{"spool", path_},
                  {"ours", fmt::to_string(spool::kSpoolFormat)},
                  {"newer", fmt::to_string(*folder_->newer_format())}});
  watcher_ = std::make_unique<spool::Watcher>(*folder_, id_, pilot_);
  keeper_ = TRY(Worker::create(poller_));
  mover_ = TRY(Worker::create(poller_));
  port_ = &port;
  offer_ = offer;
  look_after(Clock::duration::zero());
  renew_timer_ = poller_.after(renew_every_, [this] { renew_all(); });
  return {};
}

void SpoolScheduler::update(const Offer& offer) {
  offer_ = offer;
  ++updates_;
  if (wants_job()) look_after(Clock::duration::zero());
}

void SpoolScheduler::stop() {
  if (std::exchange(stopped_, true)) return;
  for (auto& [claim, job] : jobs_) {
    job.transfer.request_stop();
    if (!job.published) give_back(job.taken.ticket);
  }
  jobs_.clear();
  look_timer_.reset();
  renew_timer_.reset();
  deferred_timer_.reset();
  mover_.reset();
  keeper_.reset();
  // Taken, but the loop never heard of it.
  if (look_ && look_->found.taken) {
    const Result<bool> given = spool::give_back(*folder_, look_->found.taken->ticket);
    if (!given) log::warning("spool: cannot give a job back", {{"error", given.error().text}});
  }
  look_.reset();
}

SpoolScheduler::Job* SpoolScheduler::find(ClaimId claim) {
  const auto found = jobs_.find(claim);
  return found == jobs_.end() ? nullptr : &found->second;
}

// The seam's rule: no callback runs inside the call that asked for it.
void SpoolScheduler::later(std::function<void()> call) {
  deferred_.push_back(std::move(call));
  deferred_timer_ = poller_.after(Clock::duration::zero(), [this] {
    const std::vector<std::function<void()>> calls = std::exchange(deferred_, {});
    for (const auto& next : calls)
      if (!stopped_) next();
  });
}

// --- looking for work ---

bool SpoolScheduler::wants_job() const {
  return !offer_.draining && offer_.claims < offer_.capacity && offer_.free.cpus > 0;
}

void SpoolScheduler::look_after(Clock::duration delay) {
  if (stopped_) return;
  look_timer_ = poller_.after(delay, [this] { look(); });
}

void SpoolScheduler::look() {
  if (look_ || stopped_) return;
  const bool judge = Clock::now() - judged_ >= spool::kRenew;
  const bool take = wants_job();
  const bool peek = offer_.prepares && !take && Clock::now() - peeked_ >= kPeekEvery;
  if (!judge && !take && !peek) return look_after(jittered(kLookEvery));
  if (judge) judged_ = Clock::now();
  if (peek) peeked_ = Clock::now();
  look_ = std::make_shared<Look>();
  keeper_->run([this, judge, take, peek, result = look_, offer = offer_,
                idle = jobs_.empty()]() -> Worker::Task {
    const auto work = [&]() -> Result<void> {
      if (judge) TRY(watcher_->judge_leases(Clock::now()));
      if (take) result->found = TRY(watcher_->take(offer, Clock::now()));
      if (peek) result->next_image = TRY(watcher_->next_image(offer));
      if (idle && !result->found.taken) result->drained = TRY(folder_->drained());
      return {};
    };
    return [this, done = work()] { looked(done); };
  });
}

void SpoolScheduler::looked(const Result<void>& result) {
  const std::shared_ptr<Look> look = std::exchange(look_, nullptr);
  if (!result) return look_failed(result.error());
  last_error_.clear();
  auto& [taken, other] = look->found;
  const bool took = taken.has_value();
  if (took) {
    peeked_ = {};
    accept(*std::move(taken));
  }
  if (look->next_image) port_->next_image(*look->next_image);
  look_after(took ? Clock::duration::zero() : jittered(kLookEvery));
  const bool exhausted = look->drained && jobs_.empty() && offer_.claims == 0;
  if (!std::exchange(said_exhausted_, exhausted) && exhausted) port_->exhausted();
  others_wait(other);
}

void SpoolScheduler::others_wait(const std::string& submitter) {
  if (submitter.empty()) return others_since_.reset();
  const Clock::time_point now = Clock::now();
  if (now - others_since_.value_or(now) >= spool::kOthersTurn) port_->others_wait(submitter);
  if (!others_since_) others_since_ = now;
}

void SpoolScheduler::look_failed(const Error& error) {
  if (error.text != last_error_) log::warning("spool: cannot look", {{"error", error.text}});
  last_error_ = error.text;
  look_after(spool::kRenew);
  // The folder itself is gone, not a job in it.
  struct stat st{};
  if (::fstat(folder_->root().get(), &st) == 0 && st.st_nlink == 0)
    port_->broken(Error{Fault::not_found, folder_->path() + ": was removed"});
}

void SpoolScheduler::accept(Taken taken) {
  log::info("spool: took job",
            {{"job", taken.ticket.job}, {"attempt", fmt::to_string(taken.ticket.attempt)}});
  const ClaimId claim = next_claim_++;
  const Resources wanted = request_of(taken);
  const unsigned updates = updates_;
  if (!wants_job() || port_->request_claim(claim, wanted, taken.submitter) == ClaimAnswer::refused)
    return give_back(taken.ticket);
  // Until the pilot says so itself.
  if (updates == updates_) {
    offer_.free = less(offer_.free, wanted);
    ++offer_.claims;
  }
  Job job{.taken = std::move(taken)};
  job.renewed = Clock::now();
  job.cancelled = job.taken.cancelled;
  jobs_.emplace(claim, std::move(job));
  activate(claim);
}

void SpoolScheduler::activate(ClaimId claim) {
  Job* job = find(claim);
  if (!job) return;
  switch (port_->activate(claim, job->taken.ticket.job)) {
    case ActivateAnswer::accepted:
      if (job->cancelled) port_->deactivate(claim, Deactivation::hard, {});
      return;
    case ActivateAnswer::try_again:
      job->retry = poller_.after(kRetryActivate, [this, claim] { activate(claim); });
      return;
    case ActivateAnswer::refused:
      give_back(job->taken.ticket);
      return end_claim(claim);
  }
}

void SpoolScheduler::give_back(const Ticket& ticket) {
  if (!keeper_) return;
  keeper_->run([folder = folder_, ticket]() -> Worker::Task {
    const Result<bool> given = spool::give_back(*folder, ticket);
    if (!given)
      log::warning("spool: cannot give a job back, its lease will lapse",
                   {{"job", ticket.job}, {"error", given.error().text}});
    return nullptr;
  });
}

// --- holding on to it ---

void SpoolScheduler::renew_all() {
  renew_timer_ = poller_.after(renew_every_, [this] { renew_all(); });
  std::vector<ClaimId> claims;
  for (const auto& [claim, job] : jobs_)
    if (!job.published) claims.push_back(claim);
  for (const ClaimId claim : claims)
    if (Job* job = find(claim)) renew(claim, *job);
}

void SpoolScheduler::renew(ClaimId claim, Job& job) {
  // No answer to the last one: a file server that hangs.
  if (Clock::now() - job.renewed > renew_every_ * 5 / 2) uncertain(claim, job);
  if (!find(claim) || job.beat_pending) return;
  job.beat_pending = true;
  keeper_->run([this, claim, folder = folder_, ticket = job.taken.ticket, pilot = pilot_,
                beat = ++job.beat]() -> Worker::Task {
    return
        [this, claim, hold = spool::renew(*folder, ticket, pilot, beat)] { renewed(claim, hold); };
  });
}

void SpoolScheduler::renewed(ClaimId claim, const Result<Hold>& hold) {
  Job* job = find(claim);
  if (!job) return;
  job->beat_pending = false;
  if (job->published) return;
  if (!hold) {
    log::warning("spool: cannot renew a lease",
                 {{"job", job->taken.ticket.job}, {"error", hold.error().text}});
    return uncertain(claim, *job);
  }
  if (*hold == Hold::lost) return lose(claim);
  job->renewed = Clock::now();
  if (std::exchange(job->contact_lost, false)) port_->contact_back(claim);
  if (*hold == Hold::cancelled && !std::exchange(job->cancelled, true)) {
    log::info("spool: job is cancelled", {{"job", job->taken.ticket.job}});
    port_->deactivate(claim, Deactivation::hard, {});
  }
}

void SpoolScheduler::uncertain(ClaimId claim, Job& job) {
  if (std::exchange(job.contact_lost, true)) return;
  port_->contact_lost(claim, job.renewed + kPatience);
}

void SpoolScheduler::lose(ClaimId claim) {
  Job* job = find(claim);
  if (!job) return;
  log::warning("spool: lost a job's lease, killing it", {{"job", job->taken.ticket.job}});
  job->transfer.request_stop();
  end_claim(claim);
}

void SpoolScheduler::end_claim(ClaimId claim) {
  jobs_.erase(claim);
  later([this, claim] { port_->release(claim); });
  look_after(Clock::duration::zero());
}

}  // namespace podpilot::agent
