// SPDX-License-Identifier: Apache-2.0
// What ads tell of time; never what is waited for.
#pragma once

#include <cstdint>
#include <ctime>

namespace podpilot::agent::htcondor {

using UnixTime = std::int64_t;  // seconds since the epoch

inline UnixTime unix_now() {
  return static_cast<UnixTime>(std::time(nullptr));
}

}  // namespace podpilot::agent::htcondor
