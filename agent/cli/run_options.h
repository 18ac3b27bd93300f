// SPDX-License-Identifier: Apache-2.0
// The command line of `podpilot run` as a job.
#pragma once

#include <map>
#include <string>

#include "agent/cli/options.h"
#include "agent/job/description.h"

namespace podpilot::agent {

// Fault::invalid names the option; files that options name (--env-file) are read here.
Result<JobDescription> describe_job(const Options& options);

// "SOURCE[:TARGET[:ro|rw]]" as apptainer has it, of a pilot's --bind. Fault::invalid names the
// option.
Result<Bind> parse_pilot_bind(const std::string& text);

// What --env says; NAME alone takes our value, where there is one.
Result<void> set_variables(std::map<std::string, std::string>& env, const Options& options);

}  // namespace podpilot::agent
