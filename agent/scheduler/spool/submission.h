// SPDX-License-Identifier: Apache-2.0
// What people do to a spool: put jobs in, take them back, look, clear away. Calls block.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "agent/scheduler/spool/folder.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::spool {

// `text` is the job file's; relative inputs are found below `folder`, the job file's own. Returns
// the job's id once the job can no longer be lost.
Result<std::string> submit(const Folder& spool, std::string_view text, const std::string& folder);

enum class Cancelled {
  ended,         // it was queued
  asked,         // it runs: its pilot ends it within seconds
  already_done,  // it was too late
};
// `reason` is kept in the job's result.
Result<Cancelled> cancel(const Folder& spool, const std::string& id, const std::string& reason);

struct Purged {
  std::size_t jobs = 0;       // done and older than asked for
  std::size_t leftovers = 0;  // what crashes left behind
};
Result<Purged> purge(const Folder& spool, std::chrono::milliseconds age);

}  // namespace podpilot::agent::spool
