// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "sandbox/base/fd.h"

namespace podpilot::agent {

// Bytes that the tree below `folder` takes on its filesystem, as du(1) has it: a file with several
// names counts once, nothing is counted across a mount or a symlink. Files may come and go
// meanwhile. What cannot be entered is left out: a folder without permissions, the 257th level.
std::uint64_t disk_usage(BorrowedFd folder);

}  // namespace podpilot::agent
