// SPDX-License-Identifier: Apache-2.0
// The part of a plan that puts an image into the pod's own root (layout.h). Pure.
#pragma once

#include <vector>

#include "sandbox/plan.h"

namespace podpilot::sandbox {

// Fault::unsupported names what the pod's root lacks for this image, and the line that adds it.
Result<std::vector<Step>> transplant_steps(const Layout& layout, const Spec& spec);

Reach transplant_reach(const Layout& layout, const Spec& spec);

}  // namespace podpilot::sandbox
