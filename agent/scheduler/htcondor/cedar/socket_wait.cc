// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/socket_wait.h"

#include <poll.h>

#include "sandbox/base/errno.h"

namespace podpilot::agent::htcondor {

Result<bool> wait_for(BorrowedFd socket, short events, Deadline deadline, BorrowedFd stop) {
  pollfd watched[2] = {{socket.get(), events, 0}, {stop.get(), POLLIN, 0}};  // -1 is passed over
  for (;;) {
    const int ready = ::poll(watched, 2, deadline.poll_timeout());
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return sys_error("poll");
    if (watched[1].revents != 0) return Error{Fault::transient, "stopped"};
    if (ready > 0) return true;
    if (deadline.passed()) return false;
  }
}

}  // namespace podpilot::agent::htcondor
