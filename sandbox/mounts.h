// SPDX-License-Identifier: Apache-2.0
// Carries out a plan's steps inside the new namespaces: the only place that mounts.
#pragma once

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/plan.h"

namespace podpilot::sandbox {

// Runs in pid 1 of the sandbox, before anything of the image has run, with every capability in
// the new user namespace. Keeps the tree under construction as a descriptor: targets are resolved
// inside it by openat2(2), whatever symlinks the image holds.
class MountBuilder {
 public:
  explicit MountBuilder(std::vector<pid_t> hidden) : hidden_(std::move(hidden)) {}

  // Detaches this mount namespace from the outside and makes the place where the root will stand.
  Result<void> begin(const std::string& workspace);
  // Errors name the step: "mount overlay on /: EPERM (Operation not permitted)".
  Result<void> carry_out(const Step& step);

 private:
  Result<void> overlay(const Step& step);
  Result<void> proc(const Step& step);
  Result<void> bind(const Step& step);
  Result<void> bind_device(const Step& step);
  Result<void> fresh(const Step& step, const char* type);
  Result<void> symlink(const Step& step);
  Result<void> file(const Step& step);
  Result<void> cover(const Step& step);
  Result<void> cover_process(const Step& proc, pid_t pid);
  Result<void> read_only(const Step& step);
  Result<void> enter();

  std::vector<pid_t> hidden_;  // pids, as the pod's /proc shows them, that a bound /proc must hide
  DirFd stage_;                // a tmpfs of ours: short names for layers, mountpoint of the root
  DirFd root_;                 // the root under construction
};

// After Op::enter: the image's own tree, not what is mounted below it.
Result<void> make_root_read_only();

}  // namespace podpilot::sandbox
