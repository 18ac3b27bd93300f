// SPDX-License-Identifier: Apache-2.0
#include "agent/job/watchdog_policy.h"

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = 1 << 30;

WatchedJob with_memory(std::uint64_t limit, std::uint64_t used) {
  return {.limits = {.memory = limit}, .now = {.memory = used}};
}

}  // namespace

TEST_CASE("a job is over a limit when it has more, and only of what is limited",
          "[agent][watchdog]") {
  struct Row {
    JobLimits limits;
    JobFigures now;
    std::optional<Excess> excess;
  };
  const JobFigures much = {
      .memory = 10 * kGiB, .disk = 10 * kGiB, .processes = 9999, .cpu_time = 9999s};
  const Row rows[] = {
      {{}, much, std::nullopt},
      {{.memory = kGiB}, {.memory = kGiB}, std::nullopt},
      {{.memory = kGiB}, {.memory = kGiB + 1}, Excess::memory},
      {{.memory = kGiB}, {.disk = 2 * kGiB}, std::nullopt},
      {{.disk = kGiB}, much, Excess::disk},
      {{.processes = 7}, {.processes = 7}, std::nullopt},
      {{.processes = 7}, {.processes = 8}, Excess::processes},
      {{.cpu_time = 3s}, {.cpu_time = 3s}, std::nullopt},
      {{.cpu_time = 3s}, {.cpu_time = 3001ms}, Excess::cpu_time},
      {{.memory = kGiB, .disk = kGiB, .processes = 1, .cpu_time = 1s}, much, Excess::memory},
  };
  for (const Row& row : rows) CHECK(excess_of({row.limits, row.now}) == row.excess);
}

TEST_CASE("an excess is told with both figures", "[agent][watchdog]") {
  const WatchedJob job{.limits = {.memory = 1000, .disk = 2000, .processes = 5, .cpu_time = 3s},
                       .now = {.memory = 4000, .disk = 7000, .processes = 6, .cpu_time = 8s}};
  CHECK(describe(Excess::memory, job) == "used 4.0 kB of memory, with a limit of 1.0 kB");
  CHECK(describe(Excess::disk, job) == "used 7.0 kB of disk, with a limit of 2.0 kB");
  CHECK(describe(Excess::cpu_time, job) == "used 8.00 s of CPU time, with a limit of 3.00 s");
  CHECK(describe(Excess::processes, job) == "had 6 processes and threads, with a limit of 5");
}

TEST_CASE("it is looked the sooner, the less is left and the more cores there are",
          "[agent][watchdog]") {
  const auto pod = [](std::uint64_t used, unsigned cores) {
    return memory_period(PodMemory{4 * kGiB, used}, {}, cores);
  };
  CHECK(pod(0, 1) == 500ms);
  CHECK(pod(3 * kGiB, 2) < pod(2 * kGiB, 2));
  CHECK(pod(3 * kGiB, 8) < pod(3 * kGiB, 2));
  CHECK(pod(4 * kGiB, 2) == 2ms);
  CHECK(pod(5 * kGiB, 2) == 2ms);  // the limit was lowered below what is used
  CHECK(memory_period(std::nullopt, {}, 2) == 500ms);
  CHECK(memory_period(std::nullopt, {with_memory(kGiB, kGiB)}, 1) <
        memory_period(std::nullopt, {with_memory(kGiB, 0)}, 1));
  CHECK(memory_period(std::nullopt, {with_memory(kMiB, kMiB)}, 64) == 10ms);
}

TEST_CASE("between two looks the cores cannot use up what the pod has left", "[agent][watchdog]") {
  constexpr double kRate = 2.0 * kGiB;  // bytes a second and core
  for (const unsigned cores : {1U, 2U, 16U})
    for (const std::uint64_t left : {200 * kMiB, 700 * kMiB, 2 * kGiB}) {
      const PodMemory memory{64 * kGiB, 64 * kGiB - left - margin(64 * kGiB, cores)};
      const std::chrono::duration<double> period = memory_period(memory, {}, cores);
      CHECK(period.count() * kRate * cores <= static_cast<double>(left));
    }
}

TEST_CASE("a pod is short before its limit is reached, by what its cores can touch meanwhile",
          "[agent][watchdog]") {
  CHECK_FALSE(is_short({kGiB, 0}, 2));
  CHECK_FALSE(is_short({kGiB, kGiB - margin(kGiB, 2)}, 2));
  CHECK(is_short({kGiB, kGiB - margin(kGiB, 2) + 1}, 2));
  CHECK(is_short({kGiB, kGiB}, 2));
  CHECK(margin(64 * kGiB, 8) > 3 * margin(64 * kGiB, 2));
  CHECK(margin(64 * kMiB, 128) == 4 * kMiB);  // a small pod is not all margin
}

TEST_CASE("who has most goes when the pod is short", "[agent][watchdog]") {
  CHECK(victim_of_shortage({}) == std::nullopt);
  CHECK(victim_of_shortage({with_memory(0, 5)}) == 0);
  CHECK(victim_of_shortage({with_memory(9, 5), with_memory(0, 7), with_memory(9, 6)}) == 1);
}

TEST_CASE("walks take a twentieth of a CPU, but for what they have in advance",
          "[agent][watchdog]") {
  const Clock::time_point start{1h};
  WalkBudget budget(start);
  int walks = 0;
  for (int ms = 0; ms < 100'000; ++ms)
    if (budget.allows(start + std::chrono::milliseconds(ms))) {
      budget.spend(10ms);
      ++walks;
      if (ms == 20) CHECK(walks == 21);  // a quick one is seen each time
    }
  CHECK(walks >= 500);
  CHECK(walks <= 530);
}

TEST_CASE("a walk over files is made the more seldom, the dearer it is", "[agent][watchdog]") {
  CHECK(disk_period(10 * kGiB, 0, 0ms) == 5s);
  CHECK(disk_period(10 * kGiB, 10 * kGiB, 0ms) == 200ms);
  CHECK(disk_period(10 * kGiB, 10 * kGiB, 1s) == 20s);
}

TEST_CASE("shared pages are told apart only where that can change the answer",
          "[agent][watchdog]") {
  const Clock::time_point now{1h};
  const ExactLook never;
  const ExactLook just_now{.memory = 1 * kGiB, .resident = 5 * kGiB, .at = now - 1ms, .cost = 10ms};
  const ExactLook long_ago{
      .memory = 1 * kGiB, .resident = 5 * kGiB, .at = now - 1min, .cost = 10ms};
  const JobLimits limits{.memory = 2 * kGiB};
  struct Row {
    std::uint64_t resident;
    std::optional<PodMemory> pod;
    std::uint64_t peak;
    ExactLook last;
    bool needed;
  };
  const Row rows[] = {
      {kGiB, std::nullopt, 2 * kGiB, never, false},                  // no peak, no limit in sight
      {kGiB, std::nullopt, 0, never, true},                          // perhaps a peak
      {5 * kGiB, std::nullopt, kGiB, just_now, false},               // known to be shared
      {5 * kGiB, std::nullopt, kGiB, long_ago, true},                // is it still?
      {7 * kGiB, std::nullopt, kGiB, just_now, true},                // 2 GiB more can be its own
      {7 * kGiB, PodMemory{9 * kGiB, kGiB}, kGiB, just_now, false},  // not in the whole pod
  };
  for (const Row& row : rows)
    CHECK(needs_exact_look(row.resident, row.pod, limits, row.peak, row.last, now) == row.needed);

  CHECK(estimate(7 * kGiB, std::nullopt, kGiB, just_now) == kGiB);
  CHECK(estimate(3 * kGiB, std::nullopt, 4 * kGiB, just_now) == kGiB);
  CHECK(estimate(6 * kGiB, std::nullopt, 4 * kGiB, just_now) == 2 * kGiB);
  CHECK(estimate(6 * kGiB, PodMemory{9 * kGiB, kMiB}, 4 * kGiB, just_now) == kMiB);
}

TEST_CASE("how far a job can shoot over its limit grows with limit and cores",
          "[agent][watchdog]") {
  const auto over = [](std::uint64_t limit, unsigned cores) {
    return overshoot(std::nullopt, with_memory(limit, limit), cores);
  };
  CHECK(over(kGiB, 2) > 0);
  CHECK(over(64 * kGiB, 2) > over(kGiB, 2));
  CHECK(over(kGiB, 8) > over(kGiB, 2));
  CHECK(over(8 * kGiB, 1) < kGiB);
  // A pod's limit near by makes the watchdog look more closely.
  const PodMemory pod{64 * kGiB + 256 * kMiB, 64 * kGiB};
  CHECK(overshoot(pod, with_memory(64 * kGiB, 64 * kGiB), 2) < 256 * kMiB);
}
