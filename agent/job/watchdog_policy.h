// SPDX-License-Identifier: Apache-2.0
// When the watchdog looks and what it concludes: pure, without a clock or a /proc.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/job/description.h"
#include "agent/memory_cgroup.h"
#include "sandbox/base/deadline.h"

namespace podpilot::agent {

// Of one job; 0: none.
struct JobLimits {
  std::uint64_t memory = 0;  // bytes
  std::uint64_t disk = 0;    // bytes
  unsigned processes = 0;    // threads count as well
  std::chrono::microseconds cpu_time{0};
};

struct JobFigures {
  std::uint64_t memory = 0;
  std::uint64_t disk = 0;
  unsigned processes = 0;
  std::chrono::microseconds cpu_time{0};
};

struct WatchedJob {
  JobLimits limits;
  JobFigures now;
};

// The first limit that a job is over.
std::optional<Excess> excess_of(const WatchedJob& job);
// "used 2.1GiB of memory, with a limit of 2GiB".
std::string describe(Excess excess, const WatchedJob& job);

// The kernel was first, at the limit of the job's control group.
std::string describe_out_of_memory(const JobLimits& limits);

std::string describe_shortage(const PodMemory& pod, const WatchedJob& job);

// What `cores` threads can make the kernel hand out between the decision to kill and the last
// page: a pod whose memory is short by less than this is about to be killed as a whole.
std::uint64_t margin(std::uint64_t pod_limit, unsigned cores);
bool is_short(const PodMemory& pod, unsigned cores);
// Who has to go when the pod is short: the job that has most. Nothing where there is none.
std::optional<std::size_t> victim_of_shortage(const std::vector<WatchedJob>& jobs);

// Until the next look at memory: half of the time in which all cores together can use up what is
// left, to the pod's limit or to a job's own.
Clock::duration memory_period(const std::optional<PodMemory>& pod,
                              const std::vector<WatchedJob>& jobs, unsigned cores);
// Bytes by which a job that is at its limit can pass it before it is killed, if it does its worst.
std::uint64_t overshoot(const std::optional<PodMemory>& pod, const WatchedJob& job, unsigned cores);

// Until the next walk over a job's files: by what is left, and by what the last walk cost.
Clock::duration disk_period(std::uint64_t limit, std::uint64_t used, Clock::duration walk);

// CPU time for walks over processes: a small part of one CPU on the long run, and some in advance
// for a job that has just begun to grow.
class WalkBudget {
 public:
  explicit WalkBudget(Clock::time_point now) : at_(now) {}
  bool allows(Clock::time_point now);
  void spend(Clock::duration cost) { left_ -= cost; }

 private:
  static constexpr std::chrono::milliseconds kAdvance{250};
  Clock::duration left_ = kAdvance;
  Clock::time_point at_;
};

// The last time that a job's shared pages were told apart, which is dear.
struct ExactLook {
  std::uint64_t memory = 0;    // a page that n processes have counts 1/n in each
  std::uint64_t resident = 0;  // it counts in all of them: the most that the job could have
  Clock::time_point at{};
  Clock::duration cost{0};
};

// Whether they have to be told apart now: the job would be over its limit, or have a new peak.
// What it has more since `last` may be all its own.
bool needs_exact_look(std::uint64_t resident, const std::optional<PodMemory>& pod,
                      const JobLimits& limits, std::uint64_t peak, const ExactLook& last,
                      Clock::time_point now);
// Without: the most that it can have, but never a new peak.
std::uint64_t estimate(std::uint64_t resident, const std::optional<PodMemory>& pod,
                       std::uint64_t peak, const ExactLook& last);

}  // namespace podpilot::agent
