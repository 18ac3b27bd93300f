// SPDX-License-Identifier: Apache-2.0
#include "agent/pilot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/base/errno.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"

namespace podpilot::agent {
namespace {

bool fits(const Resources& wanted, const Resources& free) {
  return wanted.cpus <= free.cpus && wanted.memory <= free.memory && wanted.disk <= free.disk;
}

void subtract(Resources& from, const Resources& what) {
  from.cpus -= what.cpus;
  from.memory -= what.memory;
  from.disk -= what.disk;
}

}  // namespace

Pilot::Pilot(Site& site, Scheduler& scheduler, PilotPolicy policy, Metrics* metrics)
    : site_(site),
      scheduler_(scheduler),
      policy_(std::move(policy)),
      metrics_(metrics),
      offer_(policy_.offer) {
  offer_.free = offer_.total;
  offer_.prepares = site_.next != nullptr;
}

Pilot::~Pilot() = default;

std::expected<void, PilotFailure> Pilot::run() {
  if (const Result<void> started = scheduler_.start(offer_, *this); !started)
    return std::unexpected(PilotFailure{Origin::scheduler, started.error()});
  launcher_ = site_.poller.watch(site_.launcher.ended(), POLLIN, [this](short) {
    launcher_.reset();
    launcher_gone();
  });
  if (policy_.accept_for) retiring_ = site_.poller.after(*policy_.accept_for, [this] { retire(); });
  check_end();
  if (const Result<void> turned = site_.poller.run(); !turned)
    return std::unexpected(PilotFailure{Origin::pilot, turned.error()});
  scheduler_.stop();
  if (broken_) return std::unexpected(*broken_);
  return {};
}

// What runs ends by itself, as its sandbox died too; what would run next cannot.
void Pilot::launcher_gone() {
  if (!broken_)
    broken_ = {
        Origin::site,
        {Fault::transient, "the launcher was killed from outside, perhaps for want of memory"}};
  log::error("the launcher is gone: draining", {{"jobs", fmt::format("{}", claims_.size())}});
  drain_because("the launcher is gone");
  for (auto& [id, claim] : claims_)
    if (claim.job && claim.job->state().phase < Phase::starting) claim.job->post(Event::stop_hard);
}

void Pilot::interrupted() {
  if (++interruptions_ == 1) {
    log::info(policy_.stop_at_signal ? "draining: no new jobs"
                                     : "draining: no new jobs, what runs may end",
              {{"jobs", fmt::format("{}", claims_.size())}});
    drain_because("told to by a signal");
    if (!policy_.stop_at_signal) {
      if (policy_.drain_for)
        retiring_ = site_.poller.after(*policy_.drain_for, [this] { stop_jobs(); });
      return;
    }
  }
  stop_jobs();
}

void Pilot::retire() {
  log::info("accepted jobs for as long as was allowed: draining");
  drain_because("accepted jobs for as long as was allowed");
  if (policy_.retirement)
    retiring_ = site_.poller.after(*policy_.retirement, [this] { stop_jobs(); });
}

void Pilot::stop_jobs() {
  log::info("stopping all jobs");
  for (auto& [id, claim] : claims_)
    if (claim.job) claim.job->stop_soft(policy_.stop_grace - policy_.stop_reserve);
  if (policy_.stop_reserve.count() == 0) return;
  last_call_ = site_.poller.after(policy_.stop_grace, [this] {
    for (auto& [id, claim] : claims_)
      if (claim.job) claim.job->post(Event::stop_hard);
  });
}

// Free resources are always computed from what the claims hold: nothing to get out of step.
void Pilot::publish() {
  offer_.free = offer_.total;
  for (const auto& [id, claim] : claims_) subtract(offer_.free, claim.held);
  offer_.claims = static_cast<unsigned>(claims_.size());
  if (site_.next) site_.next->lend(offer_.free.disk);
  scheduler_.update(offer_);
}

ClaimAnswer Pilot::request_claim(ClaimId claim, const Resources& wanted,
                                 const std::string& submitter) {
  if (offer_.draining || claims_.size() >= offer_.capacity || claims_.contains(claim) ||
      !fits(wanted, offer_.free) || rule(offer_.tenancy, submitter, true) != Ruling::accept)
    return ClaimAnswer::refused;
  claims_[claim].held = wanted;
  claims_[claim].submitter = submitter;
  idle_.reset();
  publish();
  return ClaimAnswer::accepted;
}

ActivateAnswer Pilot::activate(ClaimId id, const std::string& job) {
  const auto found = claims_.find(id);
  if (found == claims_.end() || found->second.ending || offer_.draining)
    return ActivateAnswer::refused;
  if (found->second.job) return ActivateAnswer::try_again;
  log::info("job taken", {{"job", job}, {"submitter", found->second.submitter}});
  if (offer_.tenancy.one && !offer_.tenancy.submitter) {
    offer_.tenancy.submitter = found->second.submitter;
    publish();
  }
  found->second.job =
      std::make_unique<JobRun>(site_, scheduler_, id, job, JobIo{}, [this, id] { job_over(id); });
  found->second.job->begin();
  return ActivateAnswer::accepted;
}

JobRun* Pilot::job_of(ClaimId claim) {
  const auto found = claims_.find(claim);
  return found == claims_.end() ? nullptr : found->second.job.get();
}

void Pilot::deactivate(ClaimId claim, Deactivation how, std::chrono::milliseconds grace) {
  JobRun* job = job_of(claim);
  if (!job) return scheduler_.deactivated(claim);
  switch (how) {
    case Deactivation::soft:
      return job->stop_soft(grace);
    case Deactivation::hard:
      return job->post(Event::stop_hard);
    case Deactivation::done:
      return job->post(Event::stop_done);
  }
}

void Pilot::suspend(ClaimId claim) {
  if (JobRun* job = job_of(claim)) job->post(Event::suspend);
}

void Pilot::resume(ClaimId claim) {
  if (JobRun* job = job_of(claim)) job->post(Event::resume);
}

void Pilot::release(ClaimId id) {
  const auto found = claims_.find(id);
  if (found == claims_.end()) return;
  found->second.scheduler_knows = true;
  end_claim(id);
}

void Pilot::end_claim(ClaimId id) {
  const auto found = claims_.find(id);
  if (found == claims_.end()) return;
  found->second.ending = true;
  found->second.contact.reset();
  if (!found->second.job) return drop(id);
  found->second.job->post(Event::release);
}

void Pilot::contact_lost(ClaimId id, Clock::time_point until) {
  const auto found = claims_.find(id);
  if (found == claims_.end()) return;
  found->second.contact = site_.poller.at(until, [this, id] { end_claim(id); });
  if (found->second.job) found->second.job->post(Event::contact_lost);
}

void Pilot::contact_back(ClaimId id) {
  const auto found = claims_.find(id);
  if (found == claims_.end()) return;
  found->second.contact.reset();
  if (found->second.job) found->second.job->post(Event::contact_back);
}

void Pilot::drain() {
  drain_because("the scheduler asked for it");
}

void Pilot::drain_because(std::string_view why) {
  if (offer_.draining) return;
  ending_ = why;
  offer_.draining = true;
  if (site_.next) site_.next->stop();
  publish();
  // A claim without a job would wait for an activation that is refused now.
  std::vector<ClaimId> unused;
  for (const auto& [id, claim] : claims_)
    if (!claim.job) unused.push_back(id);
  for (const ClaimId id : unused) drop(id);
  check_end();
}

void Pilot::exhausted() {
  if (policy_.end_when_exhausted && claims_.empty()) drain_because("there are no more jobs");
}

void Pilot::others_wait(const std::string& submitter) {
  if (offer_.draining || rule(offer_.tenancy, submitter, !claims_.empty()) != Ruling::retire)
    return;
  log::info("retiring: this pod serves one submitter, and only jobs of others wait",
            {{"served", *offer_.tenancy.submitter}, {"waits", submitter}});
  drain_because("only jobs of other users wait, and this pod serves one");
}

void Pilot::next_image(const std::string& image) {
  if (site_.next) site_.next->hint(image);
}

void Pilot::broken(Error why) {
  if (!broken_) broken_ = {Origin::scheduler, std::move(why)};
  std::vector<ClaimId> all;
  for (const auto& [id, claim] : claims_) all.push_back(id);
  for (const ClaimId id : all) release(id);
  drain_because("the scheduler is lost");
}

Result<std::string> Pilot::tail(ClaimId claim, const std::string& file, std::uint64_t offset,
                                std::size_t limit) {
  const JobRun* job = job_of(claim);
  if (!job || !job->files()) return Error{Fault::not_found, "no job runs on this claim"};
  const UniqueFd fd = TRY(open_beneath(job->files(), file, O_RDONLY | O_NONBLOCK));
  std::string bytes(limit, '\0');
  const ssize_t n = ::pread(fd.get(), bytes.data(), limit, static_cast<off_t>(offset));
  if (n < 0) return sys_error("read " + file);
  bytes.resize(static_cast<std::size_t>(n));
  return bytes;
}

void Pilot::job_over(ClaimId id) {
  // The JobRun is on the call stack: it goes on the loop's next turn, with the answer.
  over_[id] = site_.poller.after({}, [this, id] {
    over_.erase(id);
    const auto found = claims_.find(id);
    if (found == claims_.end()) return;
    if (found->second.job->image_unfit()) remember_unfit(*found->second.job);
    record(*found->second.job, found->second);
    found->second.job.reset();
    if (found->second.ending || offer_.draining) return drop(id);
    scheduler_.deactivated(id);
  });
}

void Pilot::remember_unfit(const JobRun& job) {
  constexpr std::size_t kMaxRemembered = 1000;
  std::set<std::string>& unfit = offer_.unfit_images;
  if (unfit.size() >= kMaxRemembered) unfit.clear();  // at worst each of them is tried once more
  if (!unfit.insert(job.description().image).second) return;
  log::warning("this pod's root cannot show an image: leaving its jobs to other pods",
               {{"image", job.description().image}});
  publish();
}

void Pilot::record(const JobRun& job, const Claim& claim) {
  if (!metrics_) return;
  metrics_->job_ended({.outcome = job.outcome(),
                       .cpus = claim.held.cpus,
                       .whole = Clock::now() - job.taken_at(),
                       .times = job.times(),
                       .taken = job.taken_at(),
                       .released = job.state().cause == StopCause::released,
                       .pull = job.pull(),
                       .image_size = job.image_size()});
}

PilotView Pilot::view() const {
  PilotView out;
  out.figures.offer = offer_;
  out.idle_cpus = offer_.free.cpus;
  for (const auto& [id, claim] : claims_) {
    if (claim.job)
      ++out.figures.busy;
    else
      out.waiting_cpus += claim.held.cpus;
  }
  out.checks = {{"accepting", offer_.draining ? "draining: takes no new jobs" : ""},
                {"pilot", broken_ ? broken_->error.text : ""},
                {"scheduler", scheduler_.trouble()}};
  return out;
}

void Pilot::drop(ClaimId id) {
  const auto found = claims_.find(id);
  if (!found->second.scheduler_knows) scheduler_.release(id);
  claims_.erase(found);
  publish();
  check_end();
}

void Pilot::check_end() {
  if (!claims_.empty()) return;
  if (offer_.draining) return site_.poller.stop();
  if (!policy_.idle_exit || idle_) return;
  idle_ = site_.poller.after(*policy_.idle_exit, [this] {
    log::info("idle for as long as was allowed: ending");
    // No word of the scheduler that there is no work.
    if (const std::string trouble = scheduler_.trouble(); !trouble.empty() && !broken_)
      broken_ = {Origin::scheduler,
                 {Fault::transient,
                  "idle for as long as was allowed, for want of a scheduler: " + trouble}};
    drain_because("idle for as long as was allowed");
  });
}

}  // namespace podpilot::agent
