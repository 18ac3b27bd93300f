// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>

#include "sandbox/base/deadline.h"

namespace podpilot::agent {

// A tenth more or less, so that pilots started together do not do things together for ever.
inline Clock::duration jittered(Clock::duration delay) {
  thread_local std::minstd_rand random(std::random_device{}());
  return delay * std::uniform_int_distribution<int>(900, 1100)(random) / 1000;
}

}  // namespace podpilot::agent
