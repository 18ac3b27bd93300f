// SPDX-License-Identifier: Apache-2.0
// Places inside the tree of an image, which may be hostile: every symlink on the way is followed
// inside the root only (openat2(2), RESOLVE_IN_ROOT).
#pragma once

#include <string>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

// "/etc/hosts" without its first slash, as the calls below and openat2(2) want it.
std::string relative(const std::string& target);

// Makes `path` (relative, normal) in `root` unless it is there and returns it as O_PATH. Symlinks
// that lead to something are followed; a dangling one as the last component is replaced: Debian
// images ship /etc/resolv.conf as a link into a /run that is empty.
Result<UniqueFd> make_target(BorrowedFd root, const std::string& path, bool folder);

// Likewise for an absolute target, to mount on. Fault::invalid where it is the root itself.
Result<UniqueFd> make_mountpoint(BorrowedFd root, const std::string& target, bool folder);

// A fresh file `path` with this text, whatever was there, a link or a fifo; not a folder.
Result<void> replace_file(BorrowedFd root, const std::string& path, std::string_view text);

}  // namespace podpilot::sandbox
