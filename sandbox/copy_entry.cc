// SPDX-License-Identifier: Apache-2.0
#include "sandbox/copy_entry.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <memory>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"
#include "sandbox/user_xattrs.h"

namespace podpilot::sandbox {
namespace {

constexpr off_t kChunk = 16 << 20;  // between two looks at the stop token
constexpr std::size_t kBuffer = 256 << 10;

std::array<timespec, 2> times(const struct stat& st) {
  return {st.st_atim, st.st_mtim};
}

struct Source {
  UniqueFd fd;
  UserXattrs xattrs;
};

constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

Result<Source> read_source(UniqueFd fd) {
  Source source;
  source.xattrs = TRY(read_user_xattrs(fd));
  source.fd = std::move(fd);
  return source;
}

Result<Source> open_closed(BorrowedFd folder, const char* name, Ledger& ledger) {
  const UniqueFd closed(::openat(folder.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat before{};
  if (!closed || ::fstat(closed.get(), &before) != 0) return sys_error("open");
  const std::string path = fd_path(closed);
  if (!S_ISREG(before.st_mode)) return Error{Fault::invalid, "changes while it is copied"};
  if (::chmod(path.c_str(), (before.st_mode & 07777) | 0400) != 0) return sys_error("chmod");
  UniqueFd fd(::open(path.c_str(), kReadFlags));
  Result<Source> source = fd ? read_source(std::move(fd)) : sys_error("open");
  if (::chmod(path.c_str(), before.st_mode & 07777) != 0) return sys_error("chmod");
  struct stat after{};
  if (::fstat(closed.get(), &after) == 0) ledger.follow(before, after);
  return source;
}

Result<Source> open_source(BorrowedFd folder, const char* name, Ledger& ledger) {
  UniqueFd fd(::openat(folder.get(), name, kReadFlags | O_NOFOLLOW));
  if (fd) return read_source(std::move(fd));
  if (errno == EACCES) return open_closed(folder, name, ledger);
  return sys_error("open");
}

// For filesystems whose files copy_file_range(2) does not take.
Result<void> read_and_write(BorrowedFd in, BorrowedFd out, off_t begin, off_t end) {
  const auto buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
  if (::lseek(in.get(), begin, SEEK_SET) < 0 || ::lseek(out.get(), begin, SEEK_SET) < 0)
    return sys_error("seek");
  while (begin < end) {
    const std::size_t n =
        TRY(read_some(in, buffer.get(), std::min(kBuffer, static_cast<std::size_t>(end - begin))));
    if (n == 0) return {};
    TRY(write_all(out, {buffer.get(), n}));
    begin += static_cast<off_t>(n);
  }
  return {};
}

Result<void> copy_range(BorrowedFd in, BorrowedFd out, off_t begin, off_t end,
                        const std::stop_token& stop) {
  while (begin < end) {
    if (stop.stop_requested()) return Error{Fault::transient, "stopped"};
    const off_t upto = std::min(end, begin + kChunk);
    off_t from = begin;
    off_t to = begin;
    const ssize_t n = ::copy_file_range(in.get(), &from, out.get(), &to,
                                        static_cast<std::size_t>(upto - begin), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO))
      return sys_error("copy_file_range");
    if (n < 0) TRY(read_and_write(in, out, begin, upto));
    if (n == 0) return Error{Fault::invalid, "changes while it is copied"};
    begin = n < 0 ? upto : from;
  }
  return {};
}

Result<void> copy_content(BorrowedFd in, BorrowedFd out, const struct stat& st,
                          const std::stop_token& stop) {
  if (st.st_size == 0 || ::ioctl(out.get(), FICLONE, in.get()) == 0) return {};
  constexpr off_t kBlock = 512;  // st_blocks' unit, stat(3type)
  if (st.st_blocks * kBlock >= st.st_size) return copy_range(in, out, 0, st.st_size, stop);
  for (off_t end = 0; end < st.st_size;) {
    const off_t begin = ::lseek(in.get(), end, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) break;
    if (begin < 0) return sys_error("seek");
    end = ::lseek(in.get(), begin, SEEK_HOLE);
    if (end < 0) return sys_error("seek");
    TRY(copy_range(in, out, begin, std::min(end, st.st_size), stop));
  }
  if (::ftruncate(out.get(), st.st_size) != 0) return sys_error("truncate");
  return {};
}

Result<void> copy_file(BorrowedFd from, BorrowedFd to, const char* name,
                       const std::stop_token& stop, Ledger& ledger) {
  const Source source = TRY(open_source(from, name, ledger));
  struct stat st{};
  if (::fstat(source.fd.get(), &st) != 0) return sys_error("fstat");
  if (!S_ISREG(st.st_mode)) return Error{Fault::invalid, "changes while it is copied"};
  const UniqueFd out(
      ::openat(to.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!out) return sys_error("create");
  TRY(copy_content(source.fd, out, st, stop));
  TRY(set_user_xattrs(out, source.xattrs));
  if (::fchmod(out.get(), st.st_mode & 07777) != 0) return sys_error("fchmod");
  if (::futimens(out.get(), times(st).data()) != 0) return sys_error("futimens");
  return {};
}

Result<void> copy_symlink(BorrowedFd from, BorrowedFd to, const char* name) {
  const std::string target = TRY(read_link_at(from, name));
  if (::symlinkat(target.c_str(), to.get(), name) != 0) return sys_error("symlink");
  return {};
}

Result<void> copy_fifo(BorrowedFd to, const char* name, mode_t mode) {
  if (::mkfifoat(to.get(), name, mode & 0777) != 0) return sys_error("mkfifo");
  if (::fchmodat(to.get(), name, mode & 07777, 0) != 0) return sys_error("chmod");
  return {};
}

}  // namespace

Result<void> copy_entry(BorrowedFd from, BorrowedFd to, const char* name,
                        const std::stop_token& stop, Ledger& ledger) {
  struct stat st{};
  if (::fstatat(from.get(), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("stat " + printable(name));
  if (S_ISREG(st.st_mode)) return copy_file(from, to, name, stop, ledger).within(printable(name));
  if (!S_ISLNK(st.st_mode) && !S_ISFIFO(st.st_mode))
    return Error{Fault::unsupported, printable(name) + ": is neither file, symlink nor FIFO"};
  Result<void> made =
      S_ISLNK(st.st_mode) ? copy_symlink(from, to, name) : copy_fifo(to, name, st.st_mode);
  if (made && ::utimensat(to.get(), name, times(st).data(), AT_SYMLINK_NOFOLLOW) != 0)
    made = sys_error("utimensat");
  return std::move(made).within(printable(name));
}

}  // namespace podpilot::sandbox
