// SPDX-License-Identifier: Apache-2.0
#include "sandbox/targets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

namespace podpilot::sandbox {
namespace {

struct Place {
  std::string folder;  // "." for the root
  std::string name;
};

Place place_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// What is mounted on the root itself is out of sight, and the root is not in it.
Result<void> check_not_root(BorrowedFd root, BorrowedFd target) {
  struct stat a{};
  struct stat b{};
  if (::fstat(root.get(), &a) != 0 || ::fstat(target.get(), &b) != 0) return sys_error("fstat");
  if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
    return Error{Fault::invalid, "the image has a link there that leads to /"};
  return {};
}

}  // namespace

std::string relative(const std::string& target) {
  return target.substr(1);
}

Result<UniqueFd> make_target(BorrowedFd root, const std::string& path, bool folder) {
  Result<UniqueFd> found = open_in_root(root, path, O_PATH);
  if (found || found.error().fault != Fault::not_found) return found;
  const auto [parent_path, name] = place_of(path);
  const UniqueFd parent = TRY(make_target(root, parent_path, true));
  struct stat st{};
  if (::fstatat(parent.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) &&
      ::unlinkat(parent.get(), name.c_str(), 0) != 0)
    return sys_error("unlink " + path);
  if (folder) {
    if (::mkdirat(parent.get(), name.c_str(), 0755) != 0) return sys_error("mkdir " + path);
  } else {
    const UniqueFd made(::openat(parent.get(), name.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!made) return sys_error("create " + path);
  }
  return open_in_root(root, path, O_PATH);
}

Result<UniqueFd> make_mountpoint(BorrowedFd root, const std::string& target, bool folder) {
  UniqueFd made = TRY(make_target(root, relative(target), folder));
  TRY(check_not_root(root, made));
  return made;
}

Result<void> replace_file(BorrowedFd root, const std::string& path, std::string_view text) {
  const auto [parent_path, name] = place_of(path);
  const UniqueFd parent = TRY(make_target(root, parent_path, true));
  if (::unlinkat(parent.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return sys_error("unlink " + path);
  const UniqueFd made(::openat(parent.get(), name.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!made) return sys_error("create " + path);
  return write_all(made, text);
}

}  // namespace podpilot::sandbox
