// SPDX-License-Identifier: Apache-2.0
#include "agent/job/sandbox_start.h"

#include <fcntl.h>

#include <utility>

#include "agent/job/launch.h"
#include "agent/scheduler/scheduler.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/layout.h"
#include "sandbox/plan_transplant.h"

namespace podpilot::agent {
namespace {

using Failed = std::unexpected<StartFailure>;

// The payload's, unless it has this process' own.
struct Files {
  UniqueFd in, out, error;
};

Result<UniqueFd> output_file(const JobFolder& folder, const char* name) {
  // O_APPEND: what the payload's processes write at the same time does not overwrite each other.
  return open_beneath(folder.files, name, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC, 0644);
}

Result<Files> open_files(const JobFolder& folder, const JobDescription& job) {
  Files files;
  files.in.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!files.in) return sys_error("open /dev/null");
  files.out = TRY(output_file(folder, kStdoutFile));
  files.error = TRY(output_file(folder, job.join_outputs ? kStdoutFile : kStderrFile));
  return files;
}

Result<sandbox::Sandbox> launch(const SandboxStart& start, const JobDescription& job,
                                const sandbox::Plan& plan) {
  const std::vector<BorrowedFd> lease = start.image.lease.descriptors();
  if (start.inherit)
    return start.launcher.launch(plan, {BorrowedFd(0), BorrowedFd(1), BorrowedFd(2)}, start.cgroup,
                                 lease);
  const Files files = TRY(open_files(start.folder, job));
  return start.launcher.launch(plan, {files.in, files.out, files.error}, start.cgroup, lease);
}

std::expected<sandbox::Spec, StartFailure> spec_of(const SandboxStart& start,
                                                   const JobDescription& job) {
  Result<sandbox::Spec> spec = make_spec(start.image, job, start.folder, start.terminal);
  if (!spec)  // an unknown user, or no command: of the job's own choice or of the image's
    return Failed(
        {job.user.empty() ? Origin::image : Origin::payload, {Fault::invalid, spec.error().text}});
  spec->writable_image = start.writable_image;
  if (!start.root) return *std::move(spec);
  spec->root = start.root->path;
  spec->root_names = start.root->names;
  return *std::move(spec);
}

}  // namespace

Error as_site_error(Error error) {
  if (error.fault != Fault::exhausted && error.fault != Fault::invalid)
    error.fault = Fault::unsupported;
  return error;
}

std::expected<sandbox::Sandbox, StartFailure> start_sandbox(const SandboxStart& start,
                                                            JobDescription& job) {
  const sandbox::Layout& layout = start.pod.layout;
  if (start.root) {
    const Result<void> shown = sandbox::can_show(layout, start.root->names);
    if (!shown) return Failed({Origin::site, shown.error(), true});
    if (!job.scratch.empty() && !layout.find(sandbox::top_name(job.scratch)))
      move_scratch(job, start.folder.files_path);
  }
  const std::expected<sandbox::Spec, StartFailure> spec = spec_of(start, job);
  if (!spec) return Failed(spec.error());
  const Result<sandbox::Plan> plan = sandbox::make_plan(start.pod, *spec);
  if (!plan)
    return Failed(
        {plan.error().fault == Fault::unsupported ? Origin::site : Origin::payload, plan.error()});
  Result<sandbox::Sandbox> sandbox = launch(start, job, *plan);
  if (!sandbox) return Failed({Origin::site, as_site_error(std::move(sandbox.error()))});
  return *std::move(sandbox);
}

}  // namespace podpilot::agent
