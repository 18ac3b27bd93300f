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

#include "oci/store/layout.h"
#include "sandbox/base/path.h"

namespace podpilot::test {
namespace {

std::string describe(BorrowedFd dir, const std::string& path, const struct stat& st) {
  const mode_t mode = st.st_mode & 07777;
  switch (st.st_mode & S_IFMT) {
    case S_IFDIR: {
      const UniqueFd fd(::openat(dir.get(), path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      std::array<char, 8> value{};
      const bool opaque =
          ::fgetxattr(fd.get(), "user.overlay.opaque", value.data(), value.size()) == 1;
      return fmt::format("{} d {:04o}{}", path, mode, opaque ? " opaque" : "");
    }
    case S_IFLNK: {
      std::array<char, 4096> target{};
      const ssize_t n = ::readlinkat(dir.get(), path.c_str(), target.data(), target.size());
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
  const UniqueFd fd(::openat(dir.get(), at.empty() ? "." : at.c_str(),
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  const Result<std::vector<std::string>> names = list_names(fd);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string path = at.empty() ? name : at + "/" + name;
    struct stat st{};
    ::fstatat(dir.get(), path.c_str(), &st, AT_SYMLINK_NOFOLLOW);
    lines.push_back(describe(dir, path, st));
    if (S_ISDIR(st.st_mode)) walk(dir, path, lines);
  }
}

}  // namespace

std::string list_tree(BorrowedFd dir) {
  std::vector<std::string> lines;
  walk(dir, "", lines);
  std::ranges::sort(lines);
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

}  // namespace podpilot::test
