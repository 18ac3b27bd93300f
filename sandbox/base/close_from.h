// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace podpilot {

enum class CloseWhen : bool { now, on_exec };

// Closes descriptor `first` and all above it. By close_range(2) (5.11 for on_exec); where it is
// missing or refused, one by one as /proc/self/fd lists them. Async-signal-safe; false leaves
// errno.
bool close_from(int first, CloseWhen when);

}  // namespace podpilot
