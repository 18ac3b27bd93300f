// SPDX-License-Identifier: Apache-2.0
// Host names to addresses, by c-ares: glibc's resolver loads shared objects (static_stubs.cc).
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "agent/scheduler/htcondor/cedar/sinful.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

// A numeric address is itself; a name is looked up in /etc/hosts and DNS. At least one, best first.
// Fault::not_found where the name does not exist, Fault::transient where nobody could say.
Result<std::vector<SocketAddress>> resolve(const Endpoint& endpoint, Deadline deadline,
                                           BorrowedFd stop);

}  // namespace podpilot::agent::htcondor
