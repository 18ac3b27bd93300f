// SPDX-License-Identifier: Apache-2.0
// Ends what blocks on other threads: a descriptor that becomes readable, once and for all.
#pragma once

#include <sys/eventfd.h>

#include <atomic>
#include <memory>

#include "sandbox/base/errno.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

class Stop {
 public:
  static Result<std::shared_ptr<Stop>> create() {
    std::shared_ptr<Stop> stop(new Stop);
    stop->event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop->event_) return sys_error("eventfd");
    return stop;
  }
  void raise() {
    raised_ = true;
    ::eventfd_write(event_.get(), 1);
  }
  bool raised() const { return raised_; }
  BorrowedFd fd() const { return event_; }

 private:
  Stop() = default;
  UniqueFd event_;
  std::atomic<bool> raised_ = false;
};

}  // namespace podpilot::agent::htcondor
