// SPDX-License-Identifier: Apache-2.0
// The one place where an errno becomes an Error.
#pragma once

#include <cerrno>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot {

Fault fault_of_errno(int err);

// "ENOSPC" rather than "No space left on device": short, greppable, the same in every locale.
std::string errno_name(int err);

// `what` names the call and its object: "openat /cache/v1". The text ends in the errno's name and
// its meaning: "openat /cache/v1: EACCES (Permission denied)".
Error sys_error(std::string_view what, int err = errno);

}  // namespace podpilot
