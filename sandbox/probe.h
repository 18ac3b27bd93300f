// SPDX-License-Identifier: Apache-2.0
// What this pod allows: found out by trying, never by reading version numbers.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/launcher.h"

namespace podpilot::sandbox {

// What was found for one rung.
struct Trial {
  Pod pod;  // the rung, and what a plan for it needs
  bool works = false;
  std::string refusal;  // step and errno of the first thing that failed
  std::chrono::microseconds took{0};
};

// Builds a real sandbox of the rung in `folder` (removed afterwards) over an empty image, up to the
// payload's execve. "Not allowed" is an answer; an Error means that it could not be tried. The
// rungs that show an image in the pod's own root do so: no job may run meanwhile.
Result<Trial> try_rung(Launcher& launcher, Rung rung, const std::string& folder);

}  // namespace podpilot::sandbox
