// SPDX-License-Identifier: Apache-2.0
// Paths below an untrusted folder, resolved by the kernel (openat2(2)), never by string work.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot {

// Below `root`, no symlink anywhere on the way (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS).
// O_CLOEXEC and O_NOFOLLOW are added. `path` is relative; ".." out of root is EXDEV = invalid.
Result<UniqueFd> open_beneath(BorrowedFd root, const std::string& path, int flags, mode_t mode = 0);

// As a process whose root is `root` would see it (RESOLVE_IN_ROOT): absolute symlinks and ".."
// stay inside. For reading an image's own files, /etc/passwd for one.
Result<UniqueFd> open_in_root(BorrowedFd root, const std::string& path, int flags, mode_t mode = 0);

// Opens a folder by a path of the operator's.
Result<DirFd> open_dir(const std::string& path);

// mkdir unless there, then open; `name` is one component. An existing non-folder is an error.
Result<DirFd> make_dir_at(BorrowedFd parent, const std::string& name, mode_t mode);

// mkdir -p along a path of the operator's.
Result<DirFd> make_dirs(const std::string& path, mode_t mode);

// Whether something is at `path`, which is itself not followed. For folders of ours: links on the
// way are.
bool exists_at(BorrowedFd folder, const std::string& path);

// Whether an entry of a folder is the folder itself or the one above it.
bool is_dot(const char* name);

// Of an open folder, whose own position stays; without "." and "..". An Error ends it.
Result<void> each_name(BorrowedFd folder, const std::function<Result<void>(const char* name)>& use);
// More than `limit` is Fault::invalid.
inline constexpr std::size_t kAllNames = SIZE_MAX;
Result<std::vector<std::string>> list_names(BorrowedFd folder, std::size_t limit = kAllNames);

// What the symlink `name` says; a longer one than PATH_MAX, which no kernel makes, is cut.
Result<std::string> read_link_at(BorrowedFd folder, const std::string& name);

// rm -rf of one component below `parent`, by descriptors, never across a mount or a symlink.
// Folders that their owner made unreadable are opened up first. Absent is success.
// What is no folder is removed by `remove_file`: 0 or -1 and errno, as unlinkat(2), which it is if
// empty, says of folders, too.
using RemoveFile = std::function<int(BorrowedFd folder, const char* name)>;
Result<void> remove_tree(BorrowedFd parent, const std::string& name,
                         const RemoveFile& remove_file = {});

// Where a descriptor points now, by /proc/self/fd: for messages and mount(2), never for safety.
std::string fd_path(BorrowedFd fd);

}  // namespace podpilot
