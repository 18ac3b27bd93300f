// SPDX-License-Identifier: Apache-2.0
// How long a pilot takes no job after it could not run one for a reason that is not the job's: a
// registry that is down must not use up every job's tries. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "sandbox/base/deadline.h"

namespace podpilot::agent::htcondor {

class Patience {
 public:
  static constexpr unsigned kGiveUp = 3;  // failures in a row
  static constexpr std::chrono::seconds kFirst{30};
  static constexpr std::chrono::seconds kLongest{600};

  // A job that was taken at `taken` went back to the queue: 30 s, 60 s and so on without another.
  // False if that is no news: jobs of the same moment meet the same trouble, and count once.
  bool failed(Clock::time_point taken, Clock::time_point now) {
    if (taken < until_) return false;
    auto pause = kFirst;
    for (unsigned i = 0; i < in_a_row_ && pause < kLongest; ++i) pause *= 2;
    until_ = now + std::min(pause, kLongest);
    ++in_a_row_;
    return true;
  }
  // A job of before the last failure proves nothing.
  void succeeded(Clock::time_point taken) {
    if (taken >= until_) *this = Patience();
  }

  bool accepting(Clock::time_point now) const { return now >= until_; }
  Clock::time_point until() const { return until_; }
  // This pod is of no use, whatever the cause.
  bool exhausted() const { return in_a_row_ >= kGiveUp; }

 private:
  Clock::time_point until_{};
  unsigned in_a_row_ = 0;
};

}  // namespace podpilot::agent::htcondor
