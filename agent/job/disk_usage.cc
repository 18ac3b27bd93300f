// SPDX-License-Identifier: Apache-2.0
#include "agent/job/disk_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <string_view>
#include <vector>

namespace podpilot::agent {
namespace {

constexpr std::size_t kMaxLevels = 256;  // each is an open descriptor
constexpr std::uint64_t kBlock = 512;    // of st_blocks, whatever the filesystem's own are

using Dir = std::unique_ptr<DIR, int (*)(DIR*)>;

Dir open_folder(int parent, const char* name) {
  UniqueFd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  Dir dir(fd ? ::fdopendir(fd.get()) : nullptr, &::closedir);
  if (dir) fd.release();
  return dir;
}

}  // namespace

std::uint64_t disk_usage(BorrowedFd folder) {
  std::uint64_t blocks = 0;
  std::set<ino_t> with_more_names;
  struct stat st{};
  if (::fstat(folder.get(), &st) != 0) return 0;
  const dev_t device = st.st_dev;
  std::vector<Dir> levels;
  if (Dir top = open_folder(folder.get(), ".")) levels.push_back(std::move(top));
  while (!levels.empty()) {
    DIR* dir = levels.back().get();
    const dirent* entry = ::readdir(dir);
    if (!entry) {
      levels.pop_back();
      continue;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (::fstatat(::dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (st.st_dev != device) continue;
    const bool is_folder = S_ISDIR(st.st_mode);
    if (!is_folder && st.st_nlink > 1 && !with_more_names.insert(st.st_ino).second) continue;
    blocks += static_cast<std::uint64_t>(st.st_blocks);
    if (!is_folder || levels.size() == kMaxLevels) continue;
    if (Dir below = open_folder(::dirfd(dir), entry->d_name)) levels.push_back(std::move(below));
  }
  return blocks * kBlock;
}

}  // namespace podpilot::agent
