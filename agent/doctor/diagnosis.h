// SPDX-License-Identifier: Apache-2.0
// Why a rung does not work in a pod.
#pragma once

#include <cstdint>
#include <string>

#include "agent/doctor/remedies.h"
#include "sandbox/probe.h"

namespace podpilot::agent {

struct PodFacts {
  bool seccomp = false;   // a filter is on this process
  std::string lsm_label;  // of AppArmor or SELinux; "" where there is neither
  std::string max_user_namespaces;
  std::string unprivileged_userns_clone;
  std::string restrict_unprivileged_userns;  // of AppArmor. All three: "" where there is none
  int kernel_major = 0;
  int kernel_minor = 0;
  std::uint64_t capabilities = 0;  // effective
  bool masked_proc = false;
};

PodFacts look_at_pod();

// Pure. Reason::none where nothing is known that would help.
Reason diagnose(const sandbox::Trial& trial, const PodFacts& facts);

}  // namespace podpilot::agent
