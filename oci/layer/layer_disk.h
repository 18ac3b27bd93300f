// SPDX-License-Identifier: Apache-2.0
// The system calls that put one thing of a layer on disk, in the kernel's overlay format
// (Documentation/filesystems/overlayfs.rst; `userxattr` names). `name` is one component, made with
// its final permissions where the umask lets it. As few calls a file as will do: creating files is
// the larger half of a pull's CPU time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// What of an entry's mode a stored layer carries: no set-id bits, and no folder that we could not
// look into ourselves. The image's fix-up layer closes those.
inline constexpr mode_t stored_file_mode(mode_t mode) {
  return mode & 01777;
}
inline constexpr mode_t stored_folder_mode(mode_t mode) {
  return (mode & 01777) | 0500;
}

struct FileTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

using Xattrs = std::vector<std::pair<std::string, std::string>>;
// user.* but not user.overlay.*, which would be orders to the kernel.
bool is_kept_xattr(std::string_view name);

class LayerDisk {
 public:
  // Every mode is then set explicitly.
  static constexpr mode_t kUnknownUmask = ~mode_t{0};
  explicit LayerDisk(mode_t umask) : umask_(umask) {}

  // Opened for its content; finish_file() ends it. `settle_mode`: the mode could not be given yet.
  struct NewFile {
    UniqueFd fd;
    bool settle_mode = false;
  };
  Result<NewFile> create_file(BorrowedFd folder, const char* name, mode_t mode,
                              const Xattrs& kept) const;
  Result<void> finish_file(const NewFile& file, mode_t mode, FileTime time) const;

  // With at least u+rwx until finish_folder().
  Result<void> make_folder(BorrowedFd parent, const char* name, mode_t mode) const;
  Result<void> finish_folder(BorrowedFd parent, const char* name, mode_t made_with, mode_t mode,
                             FileTime time) const;
  Result<void> set_folder_xattrs(BorrowedFd parent, const char* name, const Xattrs& kept) const;
  Result<void> make_opaque(BorrowedFd parent, const char* name) const;

  Result<void> make_symlink(BorrowedFd parent, const char* name, const char* target,
                            FileTime time) const;
  Result<void> make_fifo(BorrowedFd parent, const char* name, mode_t mode, FileTime time) const;
  Result<void> make_whiteout(BorrowedFd parent, const char* name) const;
  Result<void> make_link(BorrowedFd from, const char* from_name, BorrowedFd parent,
                         const char* name) const;

 private:
  mode_t umask_;
};

}  // namespace podpilot::oci
