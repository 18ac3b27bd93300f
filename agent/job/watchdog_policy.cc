// SPDX-License-Identifier: Apache-2.0
#include "agent/job/watchdog_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

using std::chrono::milliseconds;

// Bytes a second that one core can touch for the first time: zeroing pages is bound by memory
// bandwidth. Virtual machines were seen at 0.5 to 1 GiB/s, hardware at about 2.
constexpr std::uint64_t kTouchRate = 2ULL << 30;
// And write to a disk, which is the page cache at first.
constexpr std::uint64_t kWriteRate = 1ULL << 30;

// From a sample to the end of the job's processes, on a busy machine.
constexpr milliseconds kReaction{20};

constexpr milliseconds kShortestForPod{2};
constexpr milliseconds kShortestForJob{10};
constexpr milliseconds kLongest{500};
constexpr milliseconds kShortestWalk{200};
constexpr milliseconds kLongestWalk{5000};

constexpr int kWalkShare = 20;              // one part in so many of a CPU for walks over processes
constexpr int kFilesShare = 20;             // and over files
constexpr std::uint64_t kSmallestPart = 8;  // of a limit: nearer to it, it is looked at no closer

Clock::duration time_to_use(std::uint64_t room, unsigned cores) {
  const double seconds = static_cast<double>(room) / (static_cast<double>(kTouchRate) *
                                                      static_cast<double>(std::max(cores, 1U)));
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::uint64_t used_in(Clock::duration time, unsigned cores) {
  return static_cast<std::uint64_t>(std::chrono::duration<double>(time).count() *
                                    static_cast<double>(kTouchRate) *
                                    static_cast<double>(std::max(cores, 1U)));
}

// No job has more than the kernel has charged to the whole pod.
std::uint64_t at_most(std::uint64_t resident, const std::optional<PodMemory>& pod) {
  return pod ? std::min(resident, pod->used) : resident;
}

std::uint64_t grown(std::uint64_t resident, const ExactLook& last) {
  return last.memory + (resident - std::min(resident, last.resident));
}

std::uint64_t room(std::uint64_t limit, std::uint64_t used) {
  return limit - std::min(limit, used);
}

Clock::duration period_of_job(std::uint64_t limit, std::uint64_t used, unsigned cores) {
  const std::uint64_t left = std::max(room(limit, used), limit / kSmallestPart);
  return std::clamp<Clock::duration>(time_to_use(left, cores) / 2, kShortestForJob, kLongest);
}

}  // namespace

std::optional<Excess> excess_of(const WatchedJob& job) {
  const auto over = [](auto limit, auto value) {
    return limit != decltype(limit){} && value > limit;
  };
  if (over(job.limits.memory, job.now.memory)) return Excess::memory;
  if (over(job.limits.disk, job.now.disk)) return Excess::disk;
  if (over(job.limits.cpu_time, job.now.cpu_time)) return Excess::cpu_time;
  if (over(job.limits.processes, job.now.processes)) return Excess::processes;
  return std::nullopt;
}

std::string describe(Excess excess, const WatchedJob& job) {
  switch (excess) {
    case Excess::memory:
      return fmt::format("used {} of memory, with a limit of {}", human_bytes(job.now.memory),
                         human_bytes(job.limits.memory));
    case Excess::disk:
      return fmt::format("used {} of disk, with a limit of {}", human_bytes(job.now.disk),
                         human_bytes(job.limits.disk));
    case Excess::cpu_time:
      return fmt::format("used {} of CPU time, with a limit of {}",
                         human_duration(job.now.cpu_time), human_duration(job.limits.cpu_time));
    case Excess::processes:
      return fmt::format("had {} processes and threads, with a limit of {}", job.now.processes,
                         job.limits.processes);
  }
  return {};
}

std::string describe_out_of_memory(const JobLimits& limits) {
  if (limits.memory == 0) return "the kernel had no memory left for it";
  return fmt::format("used all of its limit of {} of memory", human_bytes(limits.memory));
}

std::string describe_shortage(const PodMemory& pod, const WatchedJob& job) {
  return fmt::format(
      "the pod's memory ran short: {} of {} in use, {} of it by this job when last seen",
      human_bytes(pod.used), human_bytes(pod.limit), human_bytes(job.now.memory));
}

std::uint64_t margin(std::uint64_t pod_limit, unsigned cores) {
  constexpr std::uint64_t kLargestPart = 16;  // of a small pod's limit
  return std::min(used_in(kReaction, cores), pod_limit / kLargestPart);
}

bool is_short(const PodMemory& pod, unsigned cores) {
  return room(pod.limit, pod.used) < margin(pod.limit, cores);
}

std::optional<std::size_t> victim_of_shortage(const std::vector<WatchedJob>& jobs) {
  const auto most = std::max_element(jobs.begin(), jobs.end(), [](const auto& a, const auto& b) {
    return a.now.memory < b.now.memory;
  });
  if (most == jobs.end()) return std::nullopt;
  return static_cast<std::size_t>(most - jobs.begin());
}

Clock::duration memory_period(const std::optional<PodMemory>& pod,
                              const std::vector<WatchedJob>& jobs, unsigned cores) {
  Clock::duration period = kLongest;
  for (const WatchedJob& job : jobs)
    if (job.limits.memory != 0)
      period = std::min(period, period_of_job(job.limits.memory, job.now.memory, cores));
  if (!pod) return period;
  const std::uint64_t left = room(room(pod->limit, pod->used), margin(pod->limit, cores));
  return std::clamp<Clock::duration>(time_to_use(left, cores) / 2, kShortestForPod, period);
}

std::uint64_t overshoot(const std::optional<PodMemory>& pod, const WatchedJob& job,
                        unsigned cores) {
  return used_in(memory_period(pod, {job}, cores) + kReaction, cores);
}

Clock::duration disk_period(std::uint64_t limit, std::uint64_t used, Clock::duration walk) {
  const auto full = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(static_cast<double>(room(limit, used)) / kWriteRate));
  return std::max(std::clamp<Clock::duration>(full / 2, kShortestWalk, kLongestWalk),
                  walk * kFilesShare);
}

bool WalkBudget::allows(Clock::time_point now) {
  left_ = std::min<Clock::duration>(left_ + (now - at_) / kWalkShare, kAdvance);
  at_ = now;
  return left_ > Clock::duration::zero();
}

std::uint64_t estimate(std::uint64_t resident, const std::optional<PodMemory>& pod,
                       std::uint64_t peak, const ExactLook& last) {
  return std::min({at_most(resident, pod), grown(resident, last), peak});
}

bool needs_exact_look(std::uint64_t resident, const std::optional<PodMemory>& pod,
                      const JobLimits& limits, std::uint64_t peak, const ExactLook& last,
                      Clock::time_point now) {
  const std::uint64_t most = at_most(resident, pod);
  const bool may_be_over = limits.memory != 0 && most > limits.memory;
  if (may_be_over && grown(resident, last) > limits.memory) return true;
  return (may_be_over || most > peak) && now - last.at >= last.cost * kWalkShare;
}

}  // namespace podpilot::agent
