// SPDX-License-Identifier: Apache-2.0
// What this pod has to lend.
#pragma once

#include <string>

#include "agent/job/description.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

// CPUs that this process may run on, cut to the cgroup's quota (rounded up); memory of the cgroup
// or the machine, whichever is less; free bytes of the filesystem of `scratch`.
Result<Resources> detect_resources(const std::string& scratch);

// Of the memory, what jobs may have: the rest is for the pilot and its pulls.
std::uint64_t lendable(std::uint64_t memory);

Result<unsigned> usable_cpus();  // the CPUs above

// Pure: the text of cgroup v2's cpu.max ("max 100000", "150000 100000") as whole CPUs, 0: no limit.
unsigned cpus_of_quota(std::string_view cpu_max);

}  // namespace podpilot::agent
