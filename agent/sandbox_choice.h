// SPDX-License-Identifier: Apache-2.0
// Which rung of the ladder this pod gets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/probe.h"
#include "sandbox/rung.h"

namespace podpilot::agent {

struct SandboxWish {
  std::optional<sandbox::Rung> rung;  // nothing: the best that works
  sandbox::Guarantees required;
  bool holds_memory = false;         // see sandbox::Pod
  std::vector<std::string> folders;  // the pilot's own, which no job may decide over; absolute
  std::string cache;                 // one of them
};

struct SandboxChoice {
  sandbox::Pod pod;
  // Where the pod's own root shows the image: that no other podpilot shows another one.
  UniqueFd root_lock;
  // Cache and scratch may be other podpilots', too, where no job can change their files: shared
  // locks.
  std::vector<UniqueFd> file_locks;
};

struct LockedTrial {
  sandbox::Trial trial;
  UniqueFd root_lock;  // these as of SandboxChoice
  std::vector<UniqueFd> file_locks;
};

// sandbox::try_rung() with the pod's root, cache and scratch locked against other podpilots.
Result<LockedTrial> try_rung_alone(sandbox::Launcher& launcher, sandbox::Rung rung,
                                   const std::string& scratch, const SandboxWish& wish);

// Tries the ladder from its top in `scratch`, an absolute path, up to the first rung that works and
// gives what is required. Fault::unsupported tells why each of them does not.
Result<SandboxChoice> choose_sandbox(sandbox::Launcher& launcher, const std::string& scratch,
                                     const SandboxWish& wish);

// The same for a single run: what worked in this container before is not tried again.
Result<SandboxChoice> recall_or_choose_sandbox(sandbox::Launcher& launcher,
                                               const std::string& scratch, const SandboxWish& wish);

// The rung, or why it is not to be had with what is required.
std::string judge(const sandbox::Trial& trial, const SandboxWish& wish);

}  // namespace podpilot::agent
