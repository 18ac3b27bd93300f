// SPDX-License-Identifier: Apache-2.0
// Extended attributes of a layer's files (xattr(7)): the only ones it has are user.*, and of those
// user.overlay.* are orders to overlayfs, which no tree of ours takes along.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

struct UserXattrs {
  std::vector<std::pair<std::string, std::string>> kept;  // names and values
  bool opaque = false;                                    // user.overlay.opaque=y
};

// None where the filesystem has none. The kernel wants the file to be readable for the values.
Result<UserXattrs> read_user_xattrs(BorrowedFd file);
Result<void> set_user_xattrs(BorrowedFd file, const UserXattrs& xattrs);

}  // namespace podpilot::sandbox
