// SPDX-License-Identifier: Apache-2.0
// What a job may use, what it used, and what follows from that.
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

void JobRun::watch() {
  JobHandles job;
  job.limits = limits_of(description_);
  const auto start = [&]() -> Result<void> {
    job.sandbox = TRY(duplicate(sandbox_->ended()));
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
  judge_end();
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
  const int signal = outcome_.exit ? outcome_.exit->signal : 0;
  const bool disk = description_.request.disk != 0;
  if (disk && (outcome_.usage.disk > description_.request.disk || signal == SIGXFSZ))
    over(Excess::disk);
  if (description_.cpu_time && signal == SIGXCPU) over(Excess::cpu_time);
}

}  // namespace podpilot::agent
