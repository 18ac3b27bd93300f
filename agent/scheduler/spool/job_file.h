// SPDX-License-Identifier: Apache-2.0
// A job as its submitter writes it: one JSON object, read strictly. FORMAT.md lists the keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/job/description.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::spool {

inline constexpr std::size_t kMaxJobFile = 1 << 20;

struct Input {
  std::string source;  // as written: absolute, or relative to the job file's folder
  std::string target;  // clean, relative, inside the job's folder
  bool operator==(const Input&) const = default;
};

struct JobFile {
  JobDescription description;
  std::vector<Input> inputs;
  std::int64_t priority = 0;
  unsigned retries = 0;
};

// Errors are Fault::invalid and name the place: "inputs[2].source: must be a string".
Result<JobFile> parse_job_file(std::string_view text);

// "a/./b//c/" becomes "a/b/c"; nothing for an absolute path, one with "..", or one that is empty.
std::string clean_relative(std::string_view path);

}  // namespace podpilot::agent::spool
