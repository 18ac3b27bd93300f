// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sandbox/base/result.h"

namespace podpilot {

// Fails, as unsupported, with the first of the system calls that nothing here does without and
// that this kernel lacks, or a seccomp profile refuses; names the kernel that has it.
Result<void> check_kernel();

// Another one after each start of the machine; "" where it cannot be told.
std::string boot_id();

}  // namespace podpilot
