// SPDX-License-Identifier: Apache-2.0
#include "test/support/tree_listing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "oci/layer/crc.h"
#include "oci/store/layout.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"

namespace podpilot::test {
namespace {

// `name` in `dir`, called `path`: a path may be longer than the kernel takes at once.
std::string describe(BorrowedFd dir, const std::string& name, const std::string& path,
                     const struct stat& st) {
  const mode_t mode = st.st_mode & 07777;
  switch (st.st_mode & S_IFMT) {
    case S_IFDIR: {
      const UniqueFd fd(::openat(dir.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      std::array<char, 8> value{};
      const bool opaque =
          ::fgetxattr(fd.get(), "user.overlay.opaque", value.data(), value.size()) == 1;
      return fmt::format("{} d {:04o}{}", path, mode, opaque ? " opaque" : "");
    }
    case S_IFLNK: {
      std::array<char, 4096> target{};
      const ssize_t n = ::readlinkat(dir.get(), name.c_str(), target.data(), target.size());
      return fmt::format("{} l {}", path,
                         std::string_view(target.data(), static_cast<std::size_t>(n)));
    }
    case S_IFCHR:
      return fmt::format("{} {}", path, st.st_rdev == 0 ? "w" : "c");
    case S_IFIFO:
      return fmt::format("{} p {:04o}", path, mode);
    default:
      return fmt::format("{} f {:04o} {}", path, mode, st.st_size);
  }
}

void walk(BorrowedFd dir, const std::string& at, std::vector<std::string>& lines) {
  const Result<std::vector<std::string>> names = list_names(dir);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string path = at.empty() ? name : at + "/" + name;
    struct stat st{};
    ::fstatat(dir.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    lines.push_back(describe(dir, name, path, st));
    if (!S_ISDIR(st.st_mode)) continue;
    const UniqueFd folder(
        ::openat(dir.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (folder) walk(folder, path, lines);
  }
}

std::string xattrs_of(BorrowedFd file) {
  std::array<char, 4096> names{};
  const ssize_t n = ::flistxattr(file.get(), names.data(), names.size());
  std::vector<std::string> lines;
  for (ssize_t at = 0; at < n; at += static_cast<ssize_t>(std::string(&names[at]).size()) + 1) {
    const std::string name = &names[static_cast<std::size_t>(at)];
    if (!name.starts_with("user.") || name.starts_with("user.overlay.")) continue;
    std::array<char, 4096> value{};
    const ssize_t size = ::fgetxattr(file.get(), name.c_str(), value.data(), value.size());
    lines.push_back(fmt::format(" {}={}", name, std::string_view(value.data(), size)));
  }
  std::ranges::sort(lines);
  std::string all;
  for (const std::string& line : lines) all += line;
  return all;
}

std::string describe_everything(BorrowedFd dir, const std::string& path, const struct stat& st) {
  std::string line =
      fmt::format("{} {:o} {}.{:09}", path, st.st_mode, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  if (S_ISLNK(st.st_mode)) return line + describe(dir, path, path, st);
  if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) return line;
  const UniqueFd file(::openat(dir.get(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return line + " closed";
  if (S_ISREG(st.st_mode)) {
    oci::Crc64 crc;
    const Result<std::string> content = read_all(file, 64 << 20);
    if (content) crc.update(*content);
    line += fmt::format(" {} {:x}", st.st_size, crc.value());
  }
  return line + xattrs_of(file);
}

void walk_everything(BorrowedFd dir, const std::string& at, std::vector<std::string>& lines) {
  struct stat st{};
  if (::fstatat(dir.get(), at.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return;
  lines.push_back(describe_everything(dir, at, st));
  if (!S_ISDIR(st.st_mode)) return;
  const UniqueFd fd(
      ::openat(dir.get(), at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  const Result<std::vector<std::string>> names = list_names(fd);
  if (!names) return;
  for (const std::string& name : *names) walk_everything(dir, at + "/" + name, lines);
}

std::string joined(std::vector<std::string> lines) {
  std::ranges::sort(lines);
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

}  // namespace

std::string list_tree(BorrowedFd dir) {
  std::vector<std::string> lines;
  walk(dir, "", lines);
  return joined(std::move(lines));
}

std::string list_everything(BorrowedFd dir) {
  std::vector<std::string> lines;
  walk_everything(dir, ".", lines);
  return joined(std::move(lines));
}

}  // namespace podpilot::test
