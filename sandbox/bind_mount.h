// SPDX-License-Identifier: Apache-2.0
// Binds what is mounted in one place to another, and makes mounts stricter.
#pragma once

#include <cstdint>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

enum class Depth : std::uint8_t { one, tree };  // this mount alone; all mounts below it, too

// Shows `source` on `target`, both O_PATH and of this mount namespace, with the MOUNT_ATTR_* in
// `flags` added to every mount of it. Flags are only ever added: those that the pod's own mounts
// carry are locked in a user namespace. By open_tree(2) and mount_setattr(2) (5.12) nobody ever
// sees it without the flags; where these are missing or refused, by mount(2), which sets them after
// the bind.
Result<void> bind_mount(BorrowedFd source, BorrowedFd target, Depth depth, std::uint64_t flags);

// Adds `flags` to the mount whose root is `path`.
Result<void> restrict_mount(const char* path, std::uint64_t flags);

}  // namespace podpilot::sandbox
