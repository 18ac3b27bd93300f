// SPDX-License-Identifier: Apache-2.0
// What this pod allows: found out by trying, never by reading version numbers.
#pragma once

#include <chrono>
#include <string>

#include "sandbox/base/result.h"
#include "sandbox/launcher.h"

namespace podpilot::sandbox {

struct ProbeResult {
  bool works = false;
  std::string refusal;  // step and errno of the first thing that failed
  std::string remedy;   // what would help, as far as the errno tells
  std::chrono::microseconds took{0};
};

// Builds a real sandbox of the rung `userns` in `folder` (removed afterwards) over an empty image,
// up to the payload's execve. "Not allowed" is an answer; an Error means that it could not be
// tried.
Result<ProbeResult> probe_userns(Launcher& launcher, const std::string& folder);

}  // namespace podpilot::sandbox
