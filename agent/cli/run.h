// SPDX-License-Identifier: Apache-2.0
// The job engine with one job and no scheduler.
#pragma once

#include <string_view>

#include "agent/cli/options.h"
#include "agent/job/description.h"

namespace podpilot::agent {

struct SingleRun {
  std::string_view command;  // who it is done for, in messages
  const Options& options;    // of `podpilot run`, for how it is done; outlives the run
  JobDescription job;
  // A program that is not there, or cannot be executed, is success: all else worked.
  bool program_may_lack = false;
};

// Pulls if needed, runs, and returns the exit code of `podpilot run`. Failures are on stderr.
int run_once(SingleRun run);

}  // namespace podpilot::agent
