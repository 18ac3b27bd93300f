// SPDX-License-Identifier: Apache-2.0
// A job's files, between its folder on the pod and the spool. Calls block until all is copied.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "agent/scheduler/scheduler.h"
#include "agent/scheduler/spool/folder.h"

namespace podpilot::agent::spool {

// All of jobs/<job>/inputs goes into `folder`.
Result<void> bring_inputs(const Folder& spool, const std::string& job, BorrowedFd folder,
                          const std::stop_token& stop);

struct Sent {
  std::vector<std::string> missing;  // outputs that the job promised: "a/b: why"
  std::vector<std::string> skipped;  // special files inside of folders
};
// stdout, stderr and `outputs` go from `folder` into the attempt's own. The folder is the
// payload's work: a symlink on the way to an output counts as missing.
Result<Sent> send_outputs(const Folder& spool, const Ticket& ticket, BorrowedFd folder,
                          const std::vector<std::string>& outputs, const std::stop_token& stop);

}  // namespace podpilot::agent::spool
