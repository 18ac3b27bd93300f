// SPDX-License-Identifier: Apache-2.0
// What a pilot has done so far, in numbers. On the poll loop.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/job/event_times.h"
#include "agent/job/outcome.h"
#include "agent/job/pull_events.h"
#include "agent/metrics/exposition.h"
#include "agent/scheduler/scheduler.h"

namespace podpilot::agent {

// Where the cores' time goes. All but `goodput` is lost.
enum class Spent : std::uint8_t {
  validation,        // finding out what the pod allows, before the scheduler knew of it
  decision,          // waiting for the scheduler to give a job
  misconfiguration,  // on jobs that pod, image or network kept from running
  goodput,           // payloads that ran to an end of their own
  preemption,        // payloads that were stopped, by request or over a limit
  overhead,          // pulls, inputs, outputs, clean-up
};
inline constexpr std::size_t kSpentKinds = 6;
std::string_view to_string(Spent spent);

// One job, once nothing is left of it.
struct JobRecord {
  Outcome outcome;
  unsigned cpus = 1;
  Clock::duration whole{};  // from its activation to the end of the clean-up
  EventTimes times;
  Clock::time_point taken{};
  bool released = false;          // nobody wanted to know how it ended
  std::optional<PullReady> pull;  // nothing: the image was there, or never came
  std::uint64_t image_size = 0;   // bytes on disk; 0: there was none, or it is a folder
};

// The whole and the run of a job, by what became of it. Pure.
std::array<Clock::duration, kSpentKinds> spent_on(const JobRecord& job);

struct CacheFigures {
  std::uint64_t used = 0;  // bytes
  std::uint64_t free = 0;  // of its disk
};

struct PilotFigures {
  Offer offer;
  unsigned busy = 0;  // claims with a job
  bool ready = false;
};

// One line of /readyz.
struct Check {
  std::string name;
  std::string trouble;  // one line; "": good
};

// What the pilot says of itself.
struct PilotView {
  PilotFigures figures;
  std::vector<Check> checks;
  unsigned idle_cpus = 0;     // of no claim
  unsigned waiting_cpus = 0;  // of claims without a job
};

class Metrics {
 public:
  // `pilot` are values of labels: version, revision, rung ...
  explicit Metrics(std::map<std::string, std::string> pilot) : pilot_(std::move(pilot)) {}

  void job_ended(const JobRecord& job);
  void spent(Spent kind, Clock::duration time, unsigned cpus);
  void cache_removed(std::size_t images, std::uint64_t bytes);

  std::string text(const PilotFigures& pilot, const std::optional<CacheFigures>& cache) const;

 private:
  struct End {
    std::string outcome;
    std::string origin;
    std::string reason;
    auto operator<=>(const End&) const = default;
  };

  std::map<std::string, std::string> pilot_;
  std::map<End, std::uint64_t> ends_;
  std::map<std::string, std::uint64_t> images_{{"pulled", 0}, {"present", 0}, {"failed", 0}};
  std::array<double, kSpentKinds> spent_{};  // core seconds
  std::uint64_t pulled_bytes_ = 0;
  std::uint64_t saved_bytes_ = 0;
  std::uint64_t layers_pulled_ = 0;
  std::uint64_t layers_present_ = 0;
  std::uint64_t removed_images_ = 0;
  std::uint64_t removed_bytes_ = 0;
  Histogram match_to_start_;
  Histogram asking_;
  Histogram layers_;
  Histogram finishing_;
  Histogram run_;
  Histogram inputs_;
  Histogram outputs_;
};

}  // namespace podpilot::agent
