// SPDX-License-Identifier: Apache-2.0
// Which image a job runs in.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/dialogue/codes.h"
#include "agent/scheduler/htcondor/slot/job_ad.h"

namespace podpilot::agent::htcondor {

// What a registry's image begins with.
inline constexpr std::string_view kDocker = "docker://";

struct JobImage {
  std::string name;       // a registry's, or a folder
  bool is_input = false;  // `name` is below the job's folder
};

// ContainerImage or DockerImage of the container universe, SingularityImage of others, or the
// operator's.
std::expected<JobImage, Reason> job_image(const Ad& job, const JobSetting& setting);

}  // namespace podpilot::agent::htcondor
