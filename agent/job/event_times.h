// SPDX-License-Identifier: Apache-2.0
// When each event of a job's life happened for the first time.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "agent/job/state.h"
#include "sandbox/base/deadline.h"

namespace podpilot::agent {

class EventTimes {
 public:
  void note(Event event, Clock::time_point now) {
    std::optional<Clock::time_point>& time = times_.at(std::to_underlying(event));
    if (!time) time = now;
  }

  std::optional<Clock::time_point> at(Event event) const {
    return times_.at(std::to_underlying(event));
  }

  // Nothing where one of them never happened, or they came the other way round.
  std::optional<Clock::duration> between(Event from, Event to) const {
    const auto begin = at(from);
    const auto end = at(to);
    if (!begin || !end || *end < *begin) return std::nullopt;
    return *end - *begin;
  }

 private:
  static constexpr std::size_t kEvents = std::to_underlying(Event::cleaned) + 1;
  std::array<std::optional<Clock::time_point>, kEvents> times_;
};

}  // namespace podpilot::agent
