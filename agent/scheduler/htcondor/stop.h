// SPDX-License-Identifier: Apache-2.0
// Ends what blocks on other threads: a descriptor that becomes readable, once and for all.
#pragma once

#include <sys/eventfd.h>

#include "sandbox/base/errno.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

class Stop {
 public:
  static Result<Stop> create() {
    Stop stop;
    stop.event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop.event_) return sys_error("eventfd");
    return stop;
  }
  void raise() const { ::eventfd_write(event_.get(), 1); }
  BorrowedFd fd() const { return event_; }

 private:
  UniqueFd event_;
};

}  // namespace podpilot::agent::htcondor
