// SPDX-License-Identifier: Apache-2.0
#include "sandbox/metadata_change.h"

#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "sandbox/base/path.h"

namespace podpilot::sandbox {

int read_operands(const Caller& caller, const MetadataCall& call, Operands& out) {
  if (call.by_path)
    if (const int err = caller.read_text(call.path, PATH_MAX, ENAMETOOLONG, out.path)) return err;
  switch (call.change) {
    case Change::mode:
    case Change::owner:
      return 0;
    case Change::times: {
      out.times = {{0, UTIME_NOW}, {0, UTIME_NOW}};
      if (call.data == 0) return 0;
      std::string bytes;
      if (const int err = caller.read(call.data, size_of_times(call.format), bytes)) return err;
      const std::optional<Times> times = read_times(call.format, bytes);
      if (!times) return EINVAL;
      out.times = *times;
      return 0;
    }
    case Change::set_attribute:
      if (call.size > XATTR_SIZE_MAX) return E2BIG;
      if (const int err = caller.read(call.value, call.size, out.value)) return err;
      [[fallthrough]];
    case Change::remove_attribute:
      return caller.read_text(call.data, XATTR_NAME_MAX + 1, ERANGE, out.name);
  }
  return EINVAL;
}

int open_target(const Caller& caller, const MetadataCall& call, const std::string& path,
                UniqueFd& out) {
  if (!call.by_path) return caller.open_descriptor(call.folder, out);
  if (path.empty() && !call.may_be_empty) return ENOENT;
  const Start start = start_of(call.folder, path);
  if (start.path.empty()) return caller.open_descriptor(start.folder, out);
  return caller.open_path(start.folder, start.path, call.follow, out);
}

// By /proc/self/fd, which leads to the opened file itself, be it a symlink.
int change(BorrowedFd file, const MetadataCall& call, const Operands& operands) {
  const std::string at = fd_path(file);
  int done = -1;
  switch (call.change) {
    case Change::mode:
      done = ::chmod(at.c_str(), call.first & 07777);
      break;
    case Change::owner:
      done = ::fchownat(file.get(), "", call.first, call.second, AT_EMPTY_PATH);
      break;
    case Change::times: {
      const timespec times[] = {operands.times.access, operands.times.change};
      done = ::utimensat(AT_FDCWD, at.c_str(), times, 0);
      break;
    }
    case Change::set_attribute:
      done = ::setxattr(at.c_str(), operands.name.c_str(), operands.value.data(),
                        operands.value.size(), call.flags);
      break;
    case Change::remove_attribute:
      done = ::removexattr(at.c_str(), operands.name.c_str());
      break;
  }
  return done == 0 ? 0 : errno;
}

// As a filesystem that has no attributes answers, which archivers put up with.
int refusal(Change change) {
  return change == Change::set_attribute || change == Change::remove_attribute ? EOPNOTSUPP : EPERM;
}

}  // namespace podpilot::sandbox
