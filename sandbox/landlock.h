// SPDX-License-Identifier: Apache-2.0
// Landlock (landlock(7)): a process takes rights away from itself and its children, for good.
#pragma once

#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

struct LandlockRules {
  std::vector<std::string> read;        // files and folders below; those not there are skipped
  std::vector<std::string> read_write;  // likewise, with everything but device nodes
  // Signals to, and abstract unix sockets of, processes outside the domain (ABI 6, Linux 6.12).
  bool scope_ipc = true;
};

// 0 where the kernel has none or the pod refuses it.
int landlock_abi();

// What the kernel's ABI does not know is left out; returns the ABI that was used, 0 for none.
// The caller must have set no_new_privs.
Result<int> restrict_filesystem(const LandlockRules& rules);

// Only the IPC scope of `restrict_filesystem`, files stay as they are: for a payload whose
// filesystem is its own already.
Result<int> restrict_ipc();

}  // namespace podpilot::sandbox
