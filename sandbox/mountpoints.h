// SPDX-License-Identifier: Apache-2.0
// A layer for the bottom of every stack: the folders and files that plans mount on. What
// an image has itself hides it; what an image lacks need not be made, and removed again, in the
// upper layer of each job.
#pragma once

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

// Fills an empty folder.
Result<void> make_mountpoint_layer(BorrowedFd folder);

}  // namespace podpilot::sandbox
