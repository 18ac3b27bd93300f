// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "sandbox/base/deadline.h"

namespace podpilot::oci::http {

// Tells a slow transfer from a dead one: a window in which less than rate * window bytes came.
class StallWatch {
 public:
  StallWatch(std::uint64_t bytes_per_second, std::chrono::milliseconds window,
             Clock::time_point now)
      : needed_(bytes_per_second * static_cast<std::uint64_t>(window.count()) / 1000),
        window_(window),
        start_(now) {}

  void received(std::uint64_t bytes) { bytes_ += bytes; }
  // Time in which we did not listen.
  void pause(Clock::duration spent) { start_ += spent; }

  Clock::time_point window_end() const { return start_ + window_; }
  // True once a window has ended with too little in it.
  bool stalled(Clock::time_point now) {
    if (now < window_end()) return false;
    const bool too_little = bytes_ < needed_ || bytes_ == 0;
    start_ = now;
    bytes_ = 0;
    return too_little;
  }

 private:
  std::uint64_t needed_;
  std::chrono::milliseconds window_;
  Clock::time_point start_;
  std::uint64_t bytes_ = 0;
};

}  // namespace podpilot::oci::http
