// SPDX-License-Identifier: Apache-2.0
// What a job may use, what it used, and what follows from that.
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "agent/job/job_run.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/log.h"
#include "sandbox/base/path.h"

namespace podpilot::agent {
namespace {

JobLimits limits_of(const JobDescription& job) {
  return {.memory = job.request.memory,
          .disk = job.request.disk,
          .processes = job.processes,
          .cpu_time = job.cpu_time.value_or(std::chrono::milliseconds(0))};
}

}  // namespace

// Where the pod had one for its try, a job without would be another one than what was promised.
Result<void> JobRun::make_cgroup() {
  if (!site_.cgroup) return {};
  Result<JobCgroup> made = site_.cgroup->make({.memory = description_.request.memory,
                                               .processes = description_.processes,
                                               .cpus = description_.request.cpus});
  if (!made) return std::move(made).within("cgroup").error();
  cgroup_.emplace(*std::move(made));
  return {};
}

// The kernel chooses one process, the largest; a job of which one is gone is over its limit as a
// whole. Not memory.oom.group: its supervisor still has to report usage and to clear up.
void JobRun::watch_cgroup() {
  cgroup_events_ = site_.poller.watch(cgroup_->events(), POLLPRI, [this](short) {
    if (!cgroup_->out_of_memory()) return;
    cgroup_events_.reset();
    over_limit(Excess::memory, describe_out_of_memory(limits_of(description_)));
  });
}

void JobRun::watch() {
  JobHandles job;
  job.limits = limits_of(description_);
  if (cgroup_) watch_cgroup();
  const auto start = [&]() -> Result<void> {
    job.sandbox = TRY(duplicate(sandbox_->ended()));
    if (cgroup_) {
      UniqueFd group = TRY(duplicate(cgroup_->folder()));
      job.cgroup = DirFd(std::move(group));
    }
    job.files = TRY(open_dir(folder_->workspace));
    job.found = tree_bytes_;
    job.tmpfs = std::exchange(tmpfs_, {});
    watch_ = TRY(site_.watchdog.watch(std::move(job), [this](Excess excess, std::string text) {
      over_limit(excess, std::move(text));
    }));
    return {};
  };
  const Result<void> started = start();
  if (started) return;
  fail(Origin::site, Result<void>(started).within("watchdog").error());
  post(Event::stop_hard);
}

void JobRun::over_limit(Excess excess, std::string text) {
  log::info("job over a limit", {{"job", name_}, {"why", text}});
  fail(failure(excess, std::move(text)));
  post(Event::over_limit);
}

void JobRun::measured(const JobFigures& peak) {
  outcome_.usage.peak_memory = peak.memory;
  outcome_.usage.disk = peak.disk;
  if (cgroup_) {  // where its supervisor was killed, too, nobody else knows
    const CgroupFigures used = read_cgroup(cgroup_->folder());
    outcome_.usage.user = used.user;
    outcome_.usage.system = used.system;
  }
  judge_end();
  cgroup_.reset();
  post(Event::sandbox_gone);
}

// What the kernel, or the payload's own end, was faster to stop than the watchdog.
void JobRun::judge_limits() {
  const auto over = [&](Excess excess) {
    WatchedJob job{.limits = limits_of(description_), .now = {}};
    job.now.disk = outcome_.usage.disk;
    job.now.cpu_time = outcome_.usage.user + outcome_.usage.system;
    fail(failure(excess, describe(excess, job)));
  };
  if (cgroup_ && cgroup_->out_of_memory()) {
    const JobLimits limits = limits_of(description_);
    outcome_.usage.peak_memory = std::max(outcome_.usage.peak_memory, limits.memory);
    fail(failure(Excess::memory, describe_out_of_memory(limits)));
  }
  const int signal = outcome_.exit ? outcome_.exit->signal : 0;
  const bool disk = description_.request.disk != 0;
  if (disk && (outcome_.usage.disk > description_.request.disk || signal == SIGXFSZ))
    over(Excess::disk);
  if (description_.cpu_time && signal == SIGXCPU) over(Excess::cpu_time);
}

}  // namespace podpilot::agent
