// SPDX-License-Identifier: Apache-2.0
// The one place where an image, a job and this pilot's policy become a sandbox::Spec.
#pragma once

#include "agent/job/description.h"
#include "agent/job/scratch.h"
#include "oci/image.h"
#include "sandbox/spec.h"

namespace podpilot::agent {

// The job's folder is seen at `path` instead of where it should be: whatever of the description
// names a path in it (the program, variables that are nothing but a path, the working folder)
// follows. Arguments stay as they are.
void move_scratch(JobDescription& job, const std::string& path);

// Entrypoint, Cmd, Env, WorkingDir and User of the image under what the job says instead. Without
// a terminal given by the job's origin, `terminal` is false. Faults: invalid and not_found are
// about the job or its image (no command, an unknown user).
Result<sandbox::Spec> make_spec(const oci::Image& image, const JobDescription& job,
                                const JobFolder& folder, bool terminal);

}  // namespace podpilot::agent
