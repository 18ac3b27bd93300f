// SPDX-License-Identifier: Apache-2.0
// result.json: what an attempt left behind. FORMAT.md lists the keys.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "agent/job/outcome.h"
#include "sandbox/base/json.h"

namespace podpilot::agent::spool {

struct AttemptResult {
  Outcome outcome;
  std::chrono::milliseconds wait{0};  // from submit to the take, both by the filesystem's clock
  std::string pilot;                  // its name, for people
  std::vector<std::string> skipped;   // outputs that were not taken, and why
};

std::string to_json(const AttemptResult& result);
// The file as it is: whoever wrote it need not have been us, so only an object is asked for.
Result<Json> read_result(BorrowedFd attempt);

inline constexpr const char* kResultFile = "result.json";
inline constexpr std::size_t kMaxResultFile = 4 << 20;

inline constexpr std::string_view kCancelledSlug = "job-cancelled";

// Of a job that a person took back.
Outcome cancelled();
// Of a job that was lost with its pilots again and again.
Outcome pilots_lost(unsigned strikes);

}  // namespace podpilot::agent::spool
