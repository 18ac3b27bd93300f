// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sandbox/base/fd.h"

namespace podpilot::test {

// One line for everything below `dir`, sorted: "PATH TYPE MODE SIZE|TARGET"; whiteouts are type w,
// "opaque" ends the line of an opaque folder.
std::string list_tree(BorrowedFd dir);

// One line for `dir` itself and everything below, sorted, with all that is to be seen but inode
// numbers and link counts: type, mode, mtime, and size and checksum, or target, or user xattrs.
// What readdir has and stat does not find is left out: overlayfs shows whiteouts so.
std::string list_everything(BorrowedFd dir);

}  // namespace podpilot::test
