// SPDX-License-Identifier: Apache-2.0
// Locks between processes: flock(2) on a file of their own. The kernel drops them with the process,
// however it ends, which is how leftovers of a killed one are told from a live one's.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class FileLock {
 public:
  enum class Mode { shared, exclusive };

  // Holds nothing.
  FileLock() = default;

  // Nothing if somebody else's lock is in the way. On a volume that is mounted read-only a shared
  // lock holds nothing.
  static Result<std::optional<FileLock>> try_acquire(BorrowedFd folder, const std::string& name,
                                                     Mode mode);
  // Waits; Fault::transient once `stop` is requested.
  static Result<FileLock> acquire(BorrowedFd folder, const std::string& name, Mode mode,
                                  const std::stop_token& stop);

  explicit operator bool() const { return static_cast<bool>(fd_); }
  // The lock is held while any copy of it is open, in whatever process.
  BorrowedFd fd() const { return fd_; }
  // Takes the file away, for the holder of an exclusive lock on a thing that is gone. Who waits for
  // the lock then gets one on a new file.
  void remove_file(BorrowedFd folder, const std::string& name) const;

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace podpilot::oci
