// SPDX-License-Identifier: Apache-2.0
// Folders of trees that are not trusted: opened below a root, however deep, and read entry by entry
// without a list of all names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

// `path` is relative, "" is the root; it may be longer than PATH_MAX. No symlink is followed.
Result<UniqueFd> open_folder(BorrowedFd root, std::string_view path, int flags);

// A layer by the path that oci has for it; its mode may close it to its owner.
Result<UniqueFd> open_layer_root(const std::string& path);

struct FolderEntry {
  const char* name = nullptr;  // until the next call
  unsigned char type = 0;      // DT_*, never DT_UNKNOWN
};

// readdir(3) without its allocation and its two system calls a folder.
class FolderReader {
 public:
  FolderReader();

  // `folder` was just opened for reading, and outlives its reading.
  void start(BorrowedFd folder);
  // Nothing at the end. "." and ".." are left out.
  Result<std::optional<FolderEntry>> next();

 private:
  BorrowedFd folder_;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

}  // namespace podpilot::sandbox
