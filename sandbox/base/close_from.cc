// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/close_from.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace podpilot {
namespace {

int number(const char* name) {
  int n = 0;
  for (; *name >= '0' && *name <= '9'; ++name) n = n * 10 + (*name - '0');
  return n;
}

bool close_one(int fd, CloseWhen when) {
  if (when == CloseWhen::now) return ::close(fd) == 0;
  return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

// The list is in the order of numbers, and what was read of it stays read whatever is closed.
bool close_listed(int list, int first, CloseWhen when) {
  alignas(dirent64) char buffer[4096];
  for (;;) {
    const ssize_t size = ::getdents64(list, buffer, sizeof buffer);
    if (size <= 0) return size == 0;
    for (ssize_t at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      at += entry->d_reclen;
      if (entry->d_name[0] == '.') continue;
      const int fd = number(entry->d_name);
      if (fd >= first && fd != list && !close_one(fd, when)) return false;
    }
  }
}

}  // namespace

bool close_from(int first, CloseWhen when) {
  const int flags = when == CloseWhen::on_exec ? CLOSE_RANGE_CLOEXEC : 0;
  if (::close_range(static_cast<unsigned>(first), ~0U, flags) == 0) return true;
  const int list = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (list < 0) return false;
  const bool closed = close_listed(list, first, when);
  const int err = errno;
  ::close(list);
  errno = err;
  return closed;
}

}  // namespace podpilot
