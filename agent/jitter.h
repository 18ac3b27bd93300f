// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sandbox/base/deadline.h"
#include "sandbox/base/random.h"

namespace podpilot::agent {

// A tenth more or less, so that pilots started together do not do things together for ever.
inline Clock::duration jittered(Clock::duration delay) {
  return delay * (900 + static_cast<long>(random_number() % 200)) / 1000;
}

// Up to a fifth more: for what must not come too early.
inline Clock::duration jittered_above(Clock::duration delay) {
  return delay * (1000 + static_cast<long>(random_number() % 200)) / 1000;
}

// Evenly from [0, most), as `random` is even. Pure.
inline Clock::duration share_of(Clock::duration most, std::uint64_t random) {
  if (most <= Clock::duration::zero()) return Clock::duration::zero();
  return Clock::duration(
      static_cast<Clock::rep>(random % static_cast<std::uint64_t>(most.count())));
}

}  // namespace podpilot::agent
