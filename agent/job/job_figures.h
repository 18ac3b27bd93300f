// SPDX-License-Identifier: Apache-2.0
// One look at the memory, processes and CPU time of jobs and of the pod. Blocks: for a thread
// beside the loop.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/job/watchdog_policy.h"
#include "sandbox/base/fd.h"

namespace podpilot::agent {

// Where a job's use can be seen. Shared with the thread that looks; nothing of it changes.
struct JobHandles {
  UniqueFd sandbox;             // pidfd of its first process
  DirFd cgroup;                 // of its own; none: its processes are looked at
  std::vector<UniqueFd> tmpfs;  // one on each of its filesystems in memory
  DirFd files;                  // all that it has on disk,
  std::uint64_t found = 0;      // bytes of which were there before it
  JobLimits limits;
};

struct LookRequest {
  std::shared_ptr<const JobHandles> job;
  std::uint64_t peak = 0;  // memory, so far
  ExactLook last;
};

struct JobLook {
  JobFigures figures;  // without `disk`
  ExactLook last;
};

struct Look {
  std::optional<PodMemory> pod;
  std::vector<JobLook> jobs;  // as asked for; empty: not looked at
  Clock::duration cost{0};    // of looking at them, but for exact looks
};

enum class Walk { no, yes };  // over the processes

Look look_at(const std::optional<MemoryGroup>& pod, const std::vector<LookRequest>& jobs,
             Walk walk);

}  // namespace podpilot::agent
