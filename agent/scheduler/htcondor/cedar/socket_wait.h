// SPDX-License-Identifier: Apache-2.0
// poll(2) for one socket beside a stop descriptor.
#pragma once

#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// `events` as in poll(2). False where `deadline` passed; Fault::transient, "stopped", where `stop`
// (may be none) became readable.
Result<bool> wait_for(BorrowedFd socket, short events, Deadline deadline, BorrowedFd stop);

}  // namespace podpilot::agent::htcondor
