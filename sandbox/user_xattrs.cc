// SPDX-License-Identifier: Apache-2.0
#include "sandbox/user_xattrs.h"

#include <linux/limits.h>
#include <sys/xattr.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

// NUL after each. Most files have none, for which the first call is enough.
Result<std::string> list(BorrowedFd file) {
  std::array<char, 256> few{};
  ssize_t n = ::flistxattr(file.get(), few.data(), few.size());
  if (n >= 0) return std::string(few.data(), static_cast<std::size_t>(n));
  if (errno == EOPNOTSUPP) return std::string();
  if (errno != ERANGE) return sys_error("flistxattr");
  std::string names(XATTR_LIST_MAX, '\0');
  n = ::flistxattr(file.get(), names.data(), names.size());
  if (n < 0) return sys_error("flistxattr");
  names.resize(static_cast<std::size_t>(n));
  return names;
}

Result<std::string> value_of(BorrowedFd file, const std::string& name) {
  const ssize_t size = ::fgetxattr(file.get(), name.c_str(), nullptr, 0);
  if (size < 0) return sys_error("fgetxattr " + printable(name));
  std::string value(static_cast<std::size_t>(size), '\0');
  const ssize_t n = ::fgetxattr(file.get(), name.c_str(), value.data(), value.size());
  if (n < 0) return sys_error("fgetxattr " + printable(name));
  value.resize(static_cast<std::size_t>(n));
  return value;
}

}  // namespace

Result<UserXattrs> read_user_xattrs(BorrowedFd file) {
  UserXattrs xattrs;
  const std::string names = TRY(list(file));
  for (std::size_t at = 0; at < names.size();) {
    std::string name = names.c_str() + at;
    at += name.size() + 1;
    if (!name.starts_with("user.")) continue;
    const bool opaque = name == "user.overlay.opaque";
    if (!opaque && name.starts_with("user.overlay.")) continue;
    std::string value = TRY(value_of(file, name));
    if (opaque)
      xattrs.opaque = value == "y";
    else
      xattrs.kept.emplace_back(std::move(name), std::move(value));
  }
  return xattrs;
}

Result<void> set_user_xattrs(BorrowedFd file, const UserXattrs& xattrs) {
  for (const auto& [name, value] : xattrs.kept)
    if (::fsetxattr(file.get(), name.c_str(), value.data(), value.size(), 0) != 0)
      return sys_error("fsetxattr " + printable(name));
  return {};
}

}  // namespace podpilot::sandbox
