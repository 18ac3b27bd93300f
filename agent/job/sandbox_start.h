// SPDX-License-Identifier: Apache-2.0
// From an image that is there and a job's folder to a sandbox in which the payload is started, or
// to whose fault it is that there is none.
#pragma once

#include <expected>

#include "agent/job/description.h"
#include "agent/job/outcome.h"
#include "agent/job/root_builder.h"
#include "agent/job/scratch.h"
#include "oci/image.h"
#include "sandbox/launcher.h"

namespace podpilot::agent {

struct SandboxStart {
  sandbox::Launcher& launcher;
  const sandbox::Pod& pod;
  const oci::Image& image;
  const JobFolder& folder;
  const JobRoot* root = nullptr;  // where the rung needs one
  BorrowedFd cgroup = {};         // of its own; none: the launcher's
  bool writable_image = false;    // see sandbox::Spec
  bool inherit = false;           // 0, 1 and 2 are this process' own, else files in the folder
  bool terminal = false;          // of the sandbox
};

struct StartFailure {
  Origin origin;
  Error error;
  bool unfit = false;  // the pod's root has no place for what the image has at its top
};

// Where the pod's root has no such name the job's folder is seen where it is: `job` follows.
std::expected<sandbox::Sandbox, StartFailure> start_sandbox(const SandboxStart& start,
                                                            JobDescription& job);

// A sandbox that could not be built is the site's matter, whatever errno the kernel chose, but for
// a full disk and for an image whose tree or config it cannot be built from.
Error as_site_error(Error error);

}  // namespace podpilot::agent
