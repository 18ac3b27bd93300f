// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "sandbox/base/errno.h"
#include "sandbox/base/random.h"

namespace podpilot {
namespace {

Result<mode_t> type_of(BorrowedFd fd, const std::string& name) {
  struct stat st{};
  if (::fstat(fd.get(), &st) != 0) return sys_error("fstat " + name);
  return st.st_mode & S_IFMT;
}

// Pods number their processes alike, so a pid would not keep two writers of a shared folder, or a
// writer and what its predecessor left, apart.
std::string temporary_name(const std::string& name) {
  return fmt::format(".{}.{}.tmp", name, random_name());
}

}  // namespace

Result<std::size_t> read_some(BorrowedFd fd, char* buffer, std::size_t size) {
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, size);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) return sys_error("read");
  }
}

Result<std::string> read_all(BorrowedFd fd, std::size_t limit) {
  // Most files that are read so are small: no pages are touched that hold nothing of them.
  constexpr std::size_t kFirstStep = 4096;
  constexpr std::size_t kMaxStep = 64 * 1024;
  std::string bytes;
  for (std::size_t step = kFirstStep;; step = std::min(2 * step, kMaxStep)) {
    const std::size_t have = bytes.size();
    Result<std::size_t> got = std::size_t{0};
    bytes.resize_and_overwrite(have + step, [&](char* buffer, std::size_t) {
      got = read_some(fd, buffer + have, step);
      return have + (got ? *got : 0);
    });
    const std::size_t n = TRY(std::move(got));
    if (bytes.size() > limit)
      return Error{Fault::invalid, fmt::format("larger than the limit of {} bytes", limit)};
    if (n == 0) return bytes;
  }
}

Result<void> write_all(BorrowedFd fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("write");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> read_file_at(BorrowedFd dir, const std::string& name, std::size_t limit) {
  // O_NONBLOCK: a FIFO planted under the name must not hang the reader.
  UniqueFd fd(::openat(dir.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return sys_error("open " + name);
  const mode_t type = TRY(type_of(fd, name));
  if (type != S_IFREG) return Error{Fault::invalid, name + ": is not a regular file"};
  return read_all(fd, limit).within(name);
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return sys_error("open " + path);
  const mode_t type = TRY(type_of(fd, path));
  if (type == S_IFDIR) return Error{Fault::invalid, path + ": is a folder, not a file"};
  return read_all(fd, limit).within(path);
}

Result<UniqueFd> memory_file(const char* name, std::string_view bytes) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd) return sys_error("memfd_create");
  TRY(write_all(fd, bytes));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return sys_error("lseek");
  return fd;
}

Result<void> replace_file_at(BorrowedFd dir, const std::string& name, std::string_view bytes,
                             mode_t mode, Durable durable) {
  const std::string temporary = temporary_name(name);
  UniqueFd fd(::openat(dir.get(), temporary.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return sys_error("create " + temporary);
  Result<void> written = write_all(fd, bytes);
  if (written && durable == Durable::yes && ::fsync(fd.get()) != 0) written = sys_error("fsync");
  if (written && ::renameat(dir.get(), temporary.c_str(), dir.get(), name.c_str()) != 0)
    written = sys_error("rename");
  if (!written) {
    ::unlinkat(dir.get(), temporary.c_str(), 0);
    return std::move(written).within(name);
  }
  if (durable == Durable::yes && ::fsync(dir.get()) != 0) return sys_error("fsync folder");
  return {};
}

}  // namespace podpilot
