// SPDX-License-Identifier: Apache-2.0
#include "agent/job/watchdog.h"

#include <algorithm>
#include <utility>

#include "agent/job/disk_usage.h"
#include "agent/resources.h"

namespace podpilot::agent {
namespace {

bool has_limit(const JobLimits& limits) {
  return limits.memory != 0 || limits.disk != 0 || limits.processes != 0 ||
         limits.cpu_time.count() != 0;
}

}  // namespace

Watchdog::Watch::Watch(Watchdog& owner, std::shared_ptr<const JobHandles> job, Over over)
    : owner_(owner),
      job_(std::move(job)),
      over_(std::move(over)),
      state_{.limits = job_->limits, .now = {}} {
  owner_.watches_.push_back(this);
  if (job_->limits.disk != 0) walk_files();
}

Watchdog::Watch::~Watch() {
  *alive_ = false;
  std::erase(owner_.watches_, this);
}

void Watchdog::Watch::update(const JobLook& look) {
  const JobFigures& seen = look.figures;
  last_ = look.last;
  state_.now.memory = seen.memory;
  state_.now.processes = seen.processes;
  state_.now.cpu_time = std::max(state_.now.cpu_time, seen.cpu_time);
  peak_.memory = std::max(peak_.memory, seen.memory);
  peak_.processes = std::max(peak_.processes, seen.processes);
  peak_.cpu_time = state_.now.cpu_time;
  check();
}

void Watchdog::Watch::check() {
  if (const auto excess = excess_of(state_)) tell(*excess, describe(*excess, state_));
}

void Watchdog::Watch::tell(Excess excess, std::string text) {
  if (!std::exchange(told_, true)) over_(excess, std::move(text));
}

void Watchdog::Watch::walk_files() {
  walking_ = true;
  owner_.files_->run([this, job = job_, alive = alive_]() -> Worker::Task {
    const Clock::time_point start = Clock::now();
    const std::uint64_t all = disk_usage(job->files);
    const std::uint64_t bytes = all - std::min(all, job->found);
    return [this, alive, bytes, cost = Clock::now() - start] {
      if (*alive) files_walked(bytes, cost);
    };
  });
}

void Watchdog::Watch::files_walked(std::uint64_t bytes, Clock::duration cost) {
  walking_ = false;
  state_.now.disk = bytes;
  peak_.disk = std::max(peak_.disk, bytes);
  if (std::exchange(walk_is_stale_, false)) return walk_files();
  if (done_) return std::exchange(done_, nullptr)(peak_);
  check();
  next_walk_ =
      owner_.poller_.after(disk_period(state_.limits.disk, bytes, cost), [this] { walk_files(); });
}

void Watchdog::Watch::finish(std::function<void(const JobFigures&)> done) {
  next_walk_.reset();
  std::erase(owner_.watches_, this);
  if (!owner_.files_) return done(peak_);
  done_ = std::move(done);
  if (walking_)
    walk_is_stale_ = true;
  else
    walk_files();
}

Result<std::unique_ptr<Watchdog::Watch>> Watchdog::watch(JobHandles job, Over over) {
  if (cores_ == 0) {
    pod_ = limited_memory_group();
    cores_ = TRY(usable_cpus());
  }
  const bool account = account_ == Account::yes;
  if (!account && !pod_ && !has_limit(job.limits)) return std::unique_ptr<Watch>();
  if (!memory_) memory_ = TRY(Worker::create(poller_));
  if (!files_ && (account || job.limits.disk != 0)) files_ = TRY(Worker::create(poller_));
  auto watch = std::make_unique<Watch>(*this, std::make_shared<const JobHandles>(std::move(job)),
                                       std::move(over));
  look(Walk::yes);
  return watch;
}

Walk Watchdog::due() {
  return budget_.allows(Clock::now()) ? Walk::yes : Walk::no;
}

void Watchdog::look(Walk walk) {
  if (looking_ || watches_.empty()) return;
  looking_ = true;
  next_look_.reset();
  std::vector<LookRequest> requests;
  for (const Watch* watch : watches_)
    requests.push_back({watch->job_, watch->peak_.memory, watch->last_});
  memory_->run([this, pod = pod_, requests = std::move(requests), walk]() -> Worker::Task {
    return [this, requests, look = look_at(pod, requests, walk)] { judge(look, requests); };
  });
}

void Watchdog::judge(const Look& look, const std::vector<LookRequest>& asked) {
  looking_ = false;
  budget_.spend(look.cost);
  for (std::size_t i = 0; i < look.jobs.size(); ++i) {
    const auto found = std::find_if(watches_.begin(), watches_.end(),
                                    [&](const Watch* w) { return w->job_ == asked[i].job; });
    if (found != watches_.end()) (*found)->update(look.jobs[i]);
  }

  std::vector<WatchedJob> jobs;
  for (const Watch* watch : watches_) jobs.push_back(watch->state_);
  const bool somebody_dies =
      std::any_of(watches_.begin(), watches_.end(), [](const Watch* w) { return w->told_; });
  if (look.pod && is_short(*look.pod, cores_) && !somebody_dies) {
    // Who has most, is worth a look where it can be more than one.
    if (jobs.size() > 1 && look.jobs.empty()) return this->look(Walk::yes);
    if (const auto victim = victim_of_shortage(jobs))
      watches_[*victim]->tell(Excess::memory, describe_shortage(*look.pod, jobs[*victim]));
  }
  next_look_ = poller_.after(memory_period(look.pod, jobs, cores_), [this] { this->look(due()); });
}

}  // namespace podpilot::agent
