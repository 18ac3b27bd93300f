// SPDX-License-Identifier: Apache-2.0
// Refuses a Spec that asks for what cannot be, whatever the pod.
#pragma once

#include <cstdint>

#include "sandbox/base/result.h"
#include "sandbox/spec.h"

namespace podpilot::sandbox {

// Fault::invalid: a relative path, a target inside /proc, /sys or /dev, a device outside /dev, a
// hostname that is none, an empty argv, no layer, a NUL byte anywhere.
Result<void> check_spec(const Spec& spec);

}  // namespace podpilot::sandbox
