// SPDX-License-Identifier: Apache-2.0
// The command line of `podpilot run` as a job.
#pragma once

#include "agent/cli/options.h"
#include "agent/job/description.h"

namespace podpilot::agent {

// Fault::invalid names the option; files that options name (--env-file) are read here.
Result<JobDescription> describe_job(const Options& options);

}  // namespace podpilot::agent
