// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/layer_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sandbox/base/errno.h"

namespace podpilot::oci {
namespace {

std::array<timespec, 2> both(FileTime time) {
  const timespec at{time.seconds, time.nanoseconds};
  return {at, at};
}

Result<void> set_time_at(BorrowedFd parent, const char* name, FileTime time) {
  if (::utimensat(parent.get(), name, both(time).data(), AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("utimensat");
  return {};
}

Result<void> set_xattrs(BorrowedFd fd, const Xattrs& xattrs) {
  for (const auto& [name, value] : xattrs) {
    if (::fsetxattr(fd.get(), name.c_str(), value.data(), value.size(), 0) == 0) continue;
    // ext4 says ENOSPC where one file's attributes exceed a block: no room that gc could make.
    if (errno == ENOSPC || errno == E2BIG || errno == ERANGE)
      return Error{Fault::unsupported, "the cache's filesystem has no room for attribute " + name};
    return sys_error("fsetxattr " + name);
  }
  return {};
}

Result<UniqueFd> open_folder(BorrowedFd parent, const char* name) {
  UniqueFd fd(::openat(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return sys_error("open");
  return fd;
}

}  // namespace

bool is_kept_xattr(std::string_view name) {
  return name.starts_with("user.") && !name.starts_with("user.overlay.");
}

Result<LayerDisk::NewFile> LayerDisk::create_file(BorrowedFd folder, const char* name, mode_t mode,
                                                  const Xattrs& kept) const {
  const bool settle_mode = (mode & umask_) != 0 || (mode & ~0777U) != 0 || !kept.empty();
  const mode_t first = kept.empty() ? mode & 0777 : 0600;
  UniqueFd fd(
      ::openat(folder.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, first));
  if (!fd) return sys_error("create");
  TRY(set_xattrs(fd, kept));
  return NewFile{std::move(fd), settle_mode};
}

Result<void> LayerDisk::finish_file(const NewFile& file, mode_t mode, FileTime time) const {
  if (file.settle_mode && ::fchmod(file.fd.get(), mode) != 0) return sys_error("fchmod");
  if (::futimens(file.fd.get(), both(time).data()) != 0) return sys_error("futimens");
  return {};
}

Result<void> LayerDisk::make_folder(BorrowedFd parent, const char* name, mode_t mode) const {
  if (::mkdirat(parent.get(), name, (mode & 0777) | 0700) != 0) return sys_error("mkdir");
  return {};
}

Result<void> LayerDisk::finish_folder(BorrowedFd parent, const char* name, mode_t made_with,
                                      mode_t mode, FileTime time) const {
  TRY(set_time_at(parent, name, time));
  const bool is_set = umask_ != kUnknownUmask && (((made_with & 0777) | 0700) & ~umask_) == mode;
  if (!is_set && ::fchmodat(parent.get(), name, mode, 0) != 0) return sys_error("chmod");
  return {};
}

Result<void> LayerDisk::set_folder_xattrs(BorrowedFd parent, const char* name,
                                          const Xattrs& kept) const {
  if (kept.empty()) return {};
  const UniqueFd folder = TRY(open_folder(parent, name));
  return set_xattrs(folder, kept);
}

Result<void> LayerDisk::make_opaque(BorrowedFd parent, const char* name) const {
  const UniqueFd folder = TRY(open_folder(parent, name));
  if (::fsetxattr(folder.get(), "user.overlay.opaque", "y", 1, 0) != 0)
    return sys_error("fsetxattr user.overlay.opaque");
  return {};
}

Result<void> LayerDisk::make_symlink(BorrowedFd parent, const char* name, const char* target,
                                     FileTime time) const {
  if (::symlinkat(target, parent.get(), name) != 0) return sys_error("symlink");
  return set_time_at(parent, name, time);
}

Result<void> LayerDisk::make_fifo(BorrowedFd parent, const char* name, mode_t mode,
                                  FileTime time) const {
  if (::mkfifoat(parent.get(), name, mode & 0777) != 0) return sys_error("mkfifo");
  const bool settle_mode = (mode & umask_) != 0 || (mode & ~0777U) != 0;
  if (settle_mode && ::fchmodat(parent.get(), name, mode, 0) != 0) return sys_error("chmod");
  return set_time_at(parent, name, time);
}

Result<void> LayerDisk::make_whiteout(BorrowedFd parent, const char* name) const {
  if (::mknodat(parent.get(), name, S_IFCHR, makedev(0, 0)) != 0)
    return sys_error("mknod whiteout");
  return {};
}

Result<void> LayerDisk::make_link(BorrowedFd from, const char* from_name, BorrowedFd parent,
                                  const char* name) const {
  if (::linkat(from.get(), from_name, parent.get(), name, 0) == 0) return {};
  if (errno == EMLINK)
    return Error{Fault::unsupported, "the cache's filesystem takes no more links to one file"};
  return sys_error("link");
}

}  // namespace podpilot::oci
