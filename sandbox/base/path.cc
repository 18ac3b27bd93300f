// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/path.h"

#include <dirent.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "sandbox/base/errno.h"

namespace podpilot {
namespace {

Result<UniqueFd> openat2_retry(BorrowedFd root, const std::string& path, int flags, mode_t mode,
                               std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | O_TMPFILE)) ? mode : 0;
  how.resolve = resolve;
  constexpr int kTries = 1000;
  for (int attempt = 0;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    // EAGAIN: a rename raced the walk of ".." (openat2(2)); the kernel asks for another try. Not
    // for ever: whoever owns the tree may rename all day, or hold a lease on the file.
    if (errno == EINTR || (errno == EAGAIN && attempt < kTries)) continue;
    if (errno == EXDEV) return Error{Fault::invalid, path + ": leads out of its folder"};
    return sys_error("open " + path);
  }
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

// So many folders of the way down stay open; the ones above are opened again through "..".
constexpr std::size_t kOpenLevels = 32;

// One folder on the way down; an explicit stack, because a hostile tree may be deeper than ours.
struct Level {
  std::string name;  // in the parent
  ino_t inode = 0;
  Dir dir;
};

// Whoever still fills the tree, a copy that was abandoned, say, may put an entry between a folder's
// last readdir and its rmdir. Not for ever, as it may be somebody who means harm.
constexpr int kLateEntries = 100;

constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;

Result<Dir> read_folder(UniqueFd fd) {
  Dir dir(::fdopendir(fd.get()));
  if (!dir) return sys_error("fdopendir");
  fd.release();
  return dir;
}

// For its owner, by descriptor: a link that takes the folder's place meanwhile is not followed.
void open_up(BorrowedFd parent, const std::string& name) {
  const UniqueFd folder(
      ::openat(parent.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  // What fails here fails again, with a better text, when the folder is opened.
  if (folder) [[maybe_unused]]
    const int ignored = ::chmod(fd_path(folder).c_str(), 0700);
}

Result<Level> descend(BorrowedFd parent, std::string name, dev_t device) {
  UniqueFd fd(::openat(parent.get(), name.c_str(), kFolderFlags));
  if (!fd && errno == EACCES) {
    open_up(parent, name);
    fd.reset(::openat(parent.get(), name.c_str(), kFolderFlags));
  }
  if (!fd) return sys_error("open " + name);
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return sys_error("fstat " + name);
  if (st.st_dev != device) return Error{Fault::invalid, name + ": is another filesystem"};
  if ((st.st_mode & 0700) != 0700) ::fchmod(fd.get(), 0700);
  Dir dir = TRY(read_folder(std::move(fd)).within(name));
  return Level{std::move(name), st.st_ino, std::move(dir)};
}

// Opens `level`, closed when the way down became long, again; `child` is a folder in it.
Result<void> reopen(Level& level, const Level& child, dev_t device) {
  UniqueFd fd(::openat(::dirfd(child.dir.get()), "..", kFolderFlags));
  if (!fd) return sys_error("open .. of " + child.name);
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return sys_error("fstat " + level.name);
  if (st.st_dev != device || st.st_ino != level.inode)
    return Error{Fault::invalid, child.name + ": was moved while it was removed"};
  level.dir = TRY(read_folder(std::move(fd)).within(level.name));
  return {};
}

}  // namespace

Result<UniqueFd> open_beneath(BorrowedFd root, const std::string& path, int flags, mode_t mode) {
  return openat2_retry(root, path, flags | O_NOFOLLOW, mode,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

Result<UniqueFd> open_in_root(BorrowedFd root, const std::string& path, int flags, mode_t mode) {
  return openat2_retry(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

bool exists_at(BorrowedFd folder, const std::string& path) {
  return ::faccessat(folder.get(), path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool is_dot(const char* name) {
  return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

Result<DirFd> open_dir(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return sys_error("open " + path);
  return DirFd(std::move(fd));
}

Result<DirFd> make_dir_at(BorrowedFd parent, const std::string& name, mode_t mode) {
  UniqueFd fd(::openat(parent.get(), name.c_str(), kFolderFlags));
  if (!fd && errno == ENOENT) {
    if (::mkdirat(parent.get(), name.c_str(), mode) != 0 && errno != EEXIST)
      return sys_error("mkdir " + name);
    fd.reset(::openat(parent.get(), name.c_str(), kFolderFlags));
  }
  if (!fd) return sys_error("open " + name);
  return DirFd(std::move(fd));
}

Result<DirFd> make_dirs(const std::string& path, mode_t mode) {
  if (Result<DirFd> there = open_dir(path); there) return there;
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string prefix = path.substr(0, slash);
    if (::mkdir(prefix.c_str(), mode) != 0 && errno != EEXIST) {
      const int err = errno;
      struct stat st{};
      // A read-only or foreign parent refuses mkdir even where the folder is there already.
      if (::stat(prefix.c_str(), &st) != 0 || !S_ISDIR(st.st_mode))
        return sys_error("mkdir " + prefix, err);
    }
    if (slash == std::string::npos) return open_dir(path);
  }
}

Result<void> each_name(BorrowedFd folder,
                       const std::function<Result<void>(const char* name)>& use) {
  UniqueFd fd(::openat(folder.get(), ".", kFolderFlags));
  if (!fd) return sys_error("open folder");
  const Dir dir = TRY(read_folder(std::move(fd)));
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (!entry && errno != 0) return sys_error("readdir");
    if (!entry) return {};
    if (!is_dot(entry->d_name)) TRY(use(entry->d_name));
  }
}

Result<std::vector<std::string>> list_names(BorrowedFd folder, std::size_t limit) {
  std::vector<std::string> names;
  TRY(each_name(folder, [&](const char* name) -> Result<void> {
    if (names.size() == limit)
      return Error{Fault::invalid, fmt::format("more than {} entries in a folder", limit)};
    names.emplace_back(name);
    return {};
  }));
  return names;
}

Result<std::string> read_link_at(BorrowedFd folder, const std::string& name) {
  std::array<char, PATH_MAX> target{};
  const ssize_t n = ::readlinkat(folder.get(), name.c_str(), target.data(), target.size());
  if (n < 0) return sys_error("readlink " + name);
  return std::string(target.data(), static_cast<std::size_t>(n));
}

Result<void> remove_tree(BorrowedFd parent, const std::string& name,
                         const RemoveFile& remove_file) {
  const auto unlink = [&](BorrowedFd folder, const char* file) {
    return remove_file ? remove_file(folder, file) : ::unlinkat(folder.get(), file, 0);
  };
  if (unlink(parent, name.c_str()) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return sys_error("unlink " + name);
  struct stat st{};
  if (::fstatat(parent.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("stat " + name);
  std::vector<Level> stack;
  Level top = TRY(descend(parent, name, st.st_dev));
  stack.push_back(std::move(top));
  int late_entries = 0;
  while (!stack.empty()) {
    DIR* dir = stack.back().dir.get();
    errno = 0;
    const dirent* entry = ::readdir(dir);
    if (!entry && errno != 0) return sys_error("readdir " + stack.back().name);
    if (entry) {
      if (is_dot(entry->d_name)) continue;
      const BorrowedFd folder(::dirfd(dir));
      if (entry->d_type != DT_DIR && unlink(folder, entry->d_name) == 0) continue;
      if (entry->d_type != DT_DIR && errno != EISDIR && errno != EPERM)
        return sys_error(fmt::format("unlink {}", entry->d_name));
      Level below = TRY(descend(folder, entry->d_name, st.st_dev));
      stack.push_back(std::move(below));
      if (stack.size() > kOpenLevels) stack[stack.size() - 1 - kOpenLevels].dir.reset();
      continue;
    }
    Level done = std::move(stack.back());
    stack.pop_back();
    if (!stack.empty() && !stack.back().dir) TRY(reopen(stack.back(), done, st.st_dev));
    const int above = stack.empty() ? parent.get() : ::dirfd(stack.back().dir.get());
    if (::unlinkat(above, done.name.c_str(), AT_REMOVEDIR) == 0) continue;
    if (errno != ENOTEMPTY || ++late_entries > kLateEntries) return sys_error("rmdir " + done.name);
    ::rewinddir(done.dir.get());
    stack.push_back(std::move(done));
  }
  return {};
}

std::string fd_path(BorrowedFd fd) {
  return fmt::format("/proc/self/fd/{}", fd.get());
}

}  // namespace podpilot
