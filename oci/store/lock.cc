// SPDX-License-Identifier: Apache-2.0
#include "oci/store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "sandbox/base/errno.h"

namespace podpilot::oci {
namespace {

// Ends early when `stop` is requested.
void pause(const std::stop_token& stop) {
  using namespace std::chrono_literals;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, stop, 20ms, [] { return false; });
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_acquire(BorrowedFd folder, const std::string& name,
                                                      Mode mode) {
  for (;;) {
    UniqueFd fd(
        ::openat(folder.get(), name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    // Where nothing can be removed nothing needs to be kept.
    if (!fd && errno == EROFS && mode == Mode::shared) return std::optional(FileLock());
    if (!fd) return sys_error("open lock " + name);
    const int kind = mode == Mode::shared ? LOCK_SH : LOCK_EX;
    if (::flock(fd.get(), kind | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return std::optional<FileLock>();
      return sys_error("flock " + name);
    }
    struct stat st{};
    if (::fstat(fd.get(), &st) != 0) return sys_error("fstat lock " + name);
    // Its last holder took the file away between our open and our lock.
    if (st.st_nlink == 0) continue;
    return std::optional(FileLock(std::move(fd)));
  }
}

Result<FileLock> FileLock::acquire(BorrowedFd folder, const std::string& name, Mode mode,
                                   const std::stop_token& stop) {
  for (;;) {
    std::optional<FileLock> lock = TRY(try_acquire(folder, name, mode));
    if (lock) return *std::move(lock);
    if (stop.stop_requested()) return Error{Fault::transient, "cancelled"};
    pause(stop);
  }
}

void FileLock::remove_file(BorrowedFd folder, const std::string& name) const {
  ::unlinkat(folder.get(), name.c_str(), 0);
}

}  // namespace podpilot::oci
