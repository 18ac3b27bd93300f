// SPDX-License-Identifier: Apache-2.0
// Landlock (landlock(7)): a process takes rights away from itself and its children, for good.
#pragma once

#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/reach.h"

namespace podpilot::sandbox {

struct LandlockRules {
  std::vector<std::string> read;        // files and folders below; those not there are skipped
  std::vector<std::string> read_write;  // likewise, with everything but device nodes
  // Signals to, and abstract unix sockets of, processes outside the domain (ABI 6, Linux 6.12).
  bool scope_ipc = true;
};

// From this ABI on (Linux 6.12) signals and abstract unix sockets can be kept inside a domain.
inline constexpr int kScopingAbi = 6;

// 0 where the kernel has none or the pod refuses it.
int landlock_abi();

// What the kernel's ABI does not know is left out; returns the ABI that was used, 0 for none. ABI 1
// counts as none.
// The caller must have set no_new_privs.
Result<int> restrict_filesystem(const LandlockRules& rules);

// For the supervisor of a job without a pid namespace: the IPC scope alone, so that kill(-1)
// reaches the job, which is inside its domain, and nobody else. Needs kScopingAbi.
Result<void> restrict_signals();

// For a payload in the pod's own root: files as `reach` says, the IPC scope where the kernel has
// it. Fault::unsupported where there is no Landlock at all.
Result<void> restrict_to(const Reach& reach);

// For a payload, whose filesystem is its own already: the IPC scope of `restrict_filesystem`, and
// no program but from below its root (ABI 2, Linux 5.19). Without that an entrypoint of
// "#!/proc/self/exe" would run podpilot itself, and from its /proc/PID/exe the payload could change
// the mode of the file in the pod (what CVE-2019-5736 did to runc).
Result<void> restrict_payload();

}  // namespace podpilot::sandbox
