// SPDX-License-Identifier: Apache-2.0
// pid 1 of a sandbox: builds the tree, starts the payload, reaps, forwards signals, reports.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/plan.h"

namespace podpilot::sandbox {

// Signals to pid 1 that are orders and not passed on; all others go to the payload.
inline int order_suspend() {
  return SIGRTMIN;
}  // stop every process of the sandbox
inline int order_resume() {
  return SIGRTMIN + 1;
}
inline int order_kill() {
  return SIGRTMIN + 2;
}  // kill every process, report usage, end

struct InitContext {
  int report = -1;  // its end of the report socket
  int stdio[3] = {-1, -1, -1};
  uid_t outer_uid = 0;
  gid_t outer_gid = 0;
  std::vector<pid_t> hidden;  // pids of ours that a bound /proc must not show
  std::int64_t cloned_ns = 0;
};

// The first process of the new namespaces, straight after clone(2). Nothing of the pilot but the
// four descriptors of the context is open when the first step runs.
[[noreturn]] void run_init(const Plan& plan, InitContext context);

}  // namespace podpilot::sandbox
