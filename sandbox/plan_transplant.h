// SPDX-License-Identifier: Apache-2.0
// The part of a plan that puts an image into the pod's own root (layout.h). Pure.
#pragma once

#include <string>
#include <vector>

#include "sandbox/plan.h"

namespace podpilot::sandbox {

// Whether the pod's root has a place for each of these names. Fault::unsupported tells which it
// lacks, and the line that adds it.
Result<void> can_show(const Layout& layout, const std::vector<std::string>& names);

// Fault::unsupported as of can_show(), or for a bind in a place that is the image's alone.
Result<std::vector<Step>> transplant_steps(const Layout& layout, const Spec& spec);

Reach transplant_reach(const Layout& layout, const Spec& spec);

}  // namespace podpilot::sandbox
