// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/copy_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/scheduler/spool/folder.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::spool {
namespace {

constexpr std::size_t kMaxNamed = 100;
constexpr std::size_t kMaxFolder = 1'000'000;
constexpr std::size_t kChunk = 1 << 20;

struct Split {
  std::string parent;  // "." for none
  std::string name;
};

Split split_last(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Result<DirFd> make_parents(BorrowedFd root, const std::string& path) {
  UniqueFd fd = TRY(open_beneath(root, ".", O_RDONLY | O_DIRECTORY));
  DirFd at(std::move(fd));
  if (path == ".") return at;
  for (const std::string_view part : split(path, '/'))
    at = TRY(make_dir_at(at, std::string(part), 0777).within(path));
  return at;
}

// Opened only after its kind is known: opening a device can do things.
Result<UniqueFd> open_known(BorrowedFd folder, const std::string& name, const struct stat& known) {
  const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  UniqueFd fd(::openat(folder.get(), name.c_str(), flags));
  if (!fd) return sys_error("open " + printable(name));
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return sys_error("fstat " + printable(name));
  if (st.st_ino != known.st_ino || st.st_dev != known.st_dev)
    return Error{Fault::invalid, printable(name) + ": changes while it is copied"};
  return fd;
}

}  // namespace

Result<void> TreeCopier::copy(BorrowedFd source, const std::string& path, const std::string& name) {
  const Split from = split_last(path);
  const Split to = split_last(name);
  const Result<UniqueFd> from_folder = open_beneath(source, from.parent, O_PATH | O_DIRECTORY);
  if (!from_folder && from_folder.error().fault == Fault::invalid)
    return Error{Fault::invalid,
                 printable(path) + ": is reached through a symlink or what is no folder"};
  if (!from_folder) return from_folder.error();
  const DirFd to_folder = TRY(make_parents(target_, to.parent));
  return entry({*from_folder, from.name}, {to_folder, to.name}, path, 0);
}

Result<void> TreeCopier::count(std::uint64_t bytes, std::uint64_t entries) {
  if (stop_.stop_requested()) return Error{Fault::transient, "stopped"};
  bytes_ += bytes;
  entries_ += entries;
  if (bytes_ > limits_.bytes)
    return Error{Fault::exhausted,
                 fmt::format("over the limit of {} in all", human_bytes(limits_.bytes))};
  if (entries_ > limits_.entries)
    return Error{Fault::exhausted, fmt::format("over the limit of {} entries", limits_.entries)};
  return {};
}

Result<void> TreeCopier::entry(Place from, Place to, const std::string& shown, int depth) {
  struct stat st{};
  if (::fstatat(from.folder.get(), from.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error(printable(shown));
  TRY(count(0, 1));
  if (S_ISLNK(st.st_mode)) return symlink(from, to).within(printable(shown));
  if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
    if (depth == 0)
      return Error{Fault::invalid, printable(shown) + ": is neither file, folder nor symlink"};
    if (skipped_.size() < kMaxNamed) skipped_.push_back(printable(shown) + ": special file");
    return {};
  }
  const UniqueFd in = TRY(open_known(from.folder, from.name, st).within(printable(shown)));
  if (S_ISDIR(st.st_mode)) return folder(in, to, shown, depth);
  return file(in, to).within(printable(shown));
}

Result<void> TreeCopier::symlink(Place from, Place to) {
  const std::string link = TRY(read_link_at(from.folder, from.name));
  if (::symlinkat(link.c_str(), to.folder.get(), to.name.c_str()) != 0) return sys_error("symlink");
  return {};
}

Result<void> TreeCopier::folder(BorrowedFd in, Place to, const std::string& shown, int depth) {
  if (depth == limits_.depth)
    return Error{Fault::invalid, fmt::format("folders nested deeper than {}", limits_.depth)};
  const DirFd out = TRY(make_dir_at(to.folder, to.name, 0777).within(printable(shown)));
  const std::vector<std::string> names = TRY(list_names(in, kMaxFolder).within(printable(shown)));
  for (const std::string& name : names)
    TRY(entry({in, name}, {out, name}, fmt::format("{}/{}", shown, name), depth + 1));
  return {};
}

Result<void> TreeCopier::file(BorrowedFd in, Place to) {
  struct stat st{};
  if (::fstat(in.get(), &st) != 0) return sys_error("fstat");
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  const mode_t mode = (st.st_mode & 0777) | 0600;
  const UniqueFd out(::openat(to.folder.get(), to.name.c_str(), flags, mode));
  if (!out) return sys_error("create");
  // The size is fixed now: a writer that goes on cannot keep us here for ever.
  off_t at = 0;
  while (at < st.st_size) {
    const off_t begin = ::lseek(in.get(), at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) break;
    if (begin < 0) return sys_error("seek");
    off_t end = ::lseek(in.get(), begin, SEEK_HOLE);
    if (end < 0) return sys_error("seek");
    end = std::min(end, st.st_size);
    if (begin >= end) break;
    TRY(data(in, out, begin, end));
    at = end;
  }
  if (::ftruncate(out.get(), st.st_size) != 0) return sys_error("truncate");
  if (::fsync(out.get()) != 0) return sys_error("fsync");
  return {};
}

Result<void> TreeCopier::data(BorrowedFd in, BorrowedFd out, std::int64_t begin, std::int64_t end) {
  if (::lseek(in.get(), begin, SEEK_SET) < 0 || ::lseek(out.get(), begin, SEEK_SET) < 0)
    return sys_error("seek");
  std::string buffer(std::min(kChunk, static_cast<std::size_t>(end - begin)), '\0');
  while (begin < end) {
    const std::size_t want = std::min(buffer.size(), static_cast<std::size_t>(end - begin));
    const std::size_t n = TRY(read_some(in, buffer.data(), want));
    if (n == 0) return {};
    TRY(count(n, 0));
    TRY(write_all(out, std::string_view(buffer.data(), n)));
    begin += static_cast<std::int64_t>(n);
  }
  return {};
}

}  // namespace podpilot::agent::spool
