// SPDX-License-Identifier: Apache-2.0
// A point on the monotonic clock by which something must have happened. Hosts' wall clocks are
// never compared with each other; a duration alone forgets how much of it is spent.
#pragma once

#include <algorithm>
#include <chrono>
#include <climits>

namespace podpilot {

using Clock = std::chrono::steady_clock;

class Deadline {
 public:
  static Deadline never() { return Deadline(Clock::time_point::max()); }
  static Deadline after(Clock::duration d, Clock::time_point now = Clock::now()) {
    return d < Clock::time_point::max() - now ? Deadline(now + d) : never();
  }
  explicit Deadline(Clock::time_point at) : at_(at) {}

  Clock::time_point at() const { return at_; }
  bool passed(Clock::time_point now = Clock::now()) const { return now >= at_; }
  Deadline earliest(Deadline other) const { return at_ < other.at_ ? *this : other; }

  // For poll(2): milliseconds left, rounded up so that a wake-up finds it passed; -1 = for ever.
  int poll_timeout(Clock::time_point now = Clock::now()) const {
    if (at_ == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - now).count();
    return static_cast<int>(std::clamp<long long>(left, 0, INT_MAX));
  }

 private:
  Clock::time_point at_;
};

}  // namespace podpilot
