// SPDX-License-Identifier: Apache-2.0
// Signals for every process of a job at once, from its supervisor.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sandbox/base/result.h"

namespace podpilot::sandbox {

// What tells the job's processes from all others.
enum class KillBy : std::uint8_t {
  everyone,     // kill(-1): the supervisor is pid 1 of the job's pid namespace, or shut into a
                // Landlock domain that ends at the job (ABI 6)
  uid,          // kill(-1) as the job's own uid
  descendants,  // /proc, for the children of a subreaper. A payload that forks faster than /proc is
                // read is stopped first, process by process.
};

// The supervisor itself is spared. That nobody is left to signal is no error.
Result<void> signal_all(KillBy by, uid_t uid, int signal);

// Runs `action` in a child of that uid, which has it for good, and waits. Needs CAP_SETUID.
Result<void> run_as(uid_t uid, void (*action)(int argument), int argument);

}  // namespace podpilot::sandbox
