// SPDX-License-Identifier: Apache-2.0
// rlimits and CPUs of a payload (getrlimit(2), sched_setaffinity(2)).
#pragma once

#include "sandbox/base/result.h"
#include "sandbox/spec.h"

namespace podpilot::sandbox {

// Lowers the calling process' limits; a value above the pod's own hard limit becomes that limit.
Result<void> apply_limits(const ResourceLimits& limits);

// Soft limit of open files up to the hard one: a pull and a deep tree need many.
void raise_open_files();

}  // namespace podpilot::sandbox
