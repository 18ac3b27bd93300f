// SPDX-License-Identifier: Apache-2.0
// From pid 1 to the payload: a fork that gives everything up and executes the job's program.
#pragma once

#include <sys/types.h>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/plan.h"

namespace podpilot::sandbox {

// A pair of the sandbox's own devpts. Empty descriptors: no terminal.
struct PayloadTerminal {
  UniqueFd master;
  UniqueFd slave;
};
Result<PayloadTerminal> open_payload_terminal();

struct Payload {
  pid_t pid = 0;
  UniqueFd exec_result;  // closes on a successful execve, carries a failure otherwise
  UniqueFd messages;     // the listener of its filters comes this way
};

// The child: own session, controlling terminal if there is one, capabilities of the plan, rlimits,
// Landlock's IPC scope, the plan's filters, descriptors 0, 1 and 2 only.
Result<Payload> fork_payload(const Plan& plan, BorrowedFd terminal_slave);

// not_found and denied are about the program, everything else about the sandbox. The listener of
// load_filters() comes back, if there is one.
Result<UniqueFd> wait_for_exec(Payload& payload);

}  // namespace podpilot::sandbox
