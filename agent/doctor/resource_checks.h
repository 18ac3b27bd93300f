// SPDX-License-Identifier: Apache-2.0
// What a pilot could lend.
#pragma once

#include <string>

#include "agent/doctor/finding.h"

namespace podpilot::agent {

Finding tell_resources(const std::string& scratch);

// What the watchdog can hold, if a payload with all that this pod lends does its worst.
Finding tell_memory_watch();

}  // namespace podpilot::agent
