// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "agent/cli/options.h"
#include "oci/store/gc.h"

namespace podpilot::agent {

// What the options of these names say, where they are given: a size, and a size or "15%" of the
// volume. Fault::invalid that names the option.
Result<oci::GcGoal> cache_goal(const Options& options, std::string_view size,
                               std::string_view free);

}  // namespace podpilot::agent
