// SPDX-License-Identifier: Apache-2.0
// The network namespace of a payload that has none of the pod's network.
#pragma once

#include "sandbox/base/result.h"

namespace podpilot::sandbox {

// A new namespace holds one interface, lo, which is down: 127.0.0.1 and ::1 come with raising it.
Result<void> raise_loopback();

}  // namespace podpilot::sandbox
