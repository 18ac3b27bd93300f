// SPDX-License-Identifier: Apache-2.0
// The payload's system call filter. Compiled when podpilot is built (compile.cc): loading an
// embedded program takes 0.2 ms, building it with libseccomp at run time 1 to 10.
#pragma once

#include "sandbox/base/result.h"

namespace podpilot::sandbox {

// For the calling thread and all it starts, for good. The caller has set no_new_privs.
Result<void> load_payload_filter();

}  // namespace podpilot::sandbox
