// SPDX-License-Identifier: Apache-2.0
// Descriptors with an owner. A raw int exists only between a system call and these constructors;
// every descriptor is created O_CLOEXEC.
#pragma once

#include <unistd.h>

#include <utility>

#include "sandbox/base/result.h"

namespace podpilot {

// Looks, does not own. Valid only while its owner lives; -1 where there is none.
class BorrowedFd {
 public:
  constexpr BorrowedFd() = default;
  constexpr explicit BorrowedFd(int fd) : fd_(fd) {}
  constexpr int get() const { return fd_; }
  constexpr explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  operator BorrowedFd() const { return BorrowedFd(fd_); }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// The same file with an owner of its own: for whoever outlives the call that lent it, and for
// threads.
Result<UniqueFd> duplicate(BorrowedFd fd);

// A UniqueFd known to be a directory: functions that take (DirFd, name) cannot be fooled by a
// folder that is removed and made again under the same path.
class DirFd : public UniqueFd {
 public:
  using UniqueFd::UniqueFd;
  DirFd() = default;
  explicit DirFd(UniqueFd fd) : UniqueFd(std::move(fd)) {}
};

}  // namespace podpilot
