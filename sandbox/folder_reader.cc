// SPDX-License-Identifier: Apache-2.0
#include "sandbox/folder_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <climits>

#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kBufferBytes = 64 << 10;

}  // namespace

Result<UniqueFd> open_folder(BorrowedFd root, std::string_view path, int flags) {
  UniqueFd above;
  BorrowedFd from = root;
  while (path.size() >= PATH_MAX) {
    const std::size_t cut = path.rfind('/', PATH_MAX - 1);
    if (cut == std::string_view::npos) return sys_error("open", ENAMETOOLONG);
    above = TRY(open_beneath(from, std::string(path.substr(0, cut)), O_PATH | O_DIRECTORY));
    from = above;
    path.remove_prefix(cut + 1);
  }
  return open_beneath(from, path.empty() ? "." : std::string(path), flags | O_DIRECTORY);
}

Result<UniqueFd> open_layer_root(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return sys_error("open " + path);
  return fd;
}

FolderReader::FolderReader() : buffer_(kBufferBytes) {}

void FolderReader::start(BorrowedFd folder) {
  folder_ = folder;
  at_ = end_ = 0;
}

Result<std::optional<FolderEntry>> FolderReader::next() {
  for (;;) {
    if (at_ == end_) {
      const ssize_t n = ::getdents64(folder_.get(), buffer_.data(), buffer_.size());
      if (n < 0) return sys_error("getdents");
      if (n == 0) return std::optional<FolderEntry>();
      at_ = 0;
      end_ = static_cast<std::size_t>(n);
    }
    const auto* entry = reinterpret_cast<const dirent64*>(buffer_.data() + at_);
    at_ += entry->d_reclen;
    if (is_dot(entry->d_name)) continue;
    FolderEntry found{entry->d_name, entry->d_type};
    if (found.type == DT_UNKNOWN) {
      struct stat st{};
      if (::fstatat(folder_.get(), found.name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return sys_error("stat " + printable(found.name));
      found.type = static_cast<unsigned char>(IFTODT(st.st_mode));
    }
    return std::optional(found);
  }
}

}  // namespace podpilot::sandbox
