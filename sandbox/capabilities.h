// SPDX-License-Identifier: Apache-2.0
// Linux capabilities (capabilities(7)) as bit masks.
#pragma once

#include <linux/capability.h>

#include <cstdint>

#include "sandbox/base/result.h"

namespace podpilot::sandbox {

constexpr std::uint64_t cap_bit(int cap) {
  return std::uint64_t{1} << cap;
}

// What a payload that is root inside its user namespace may hold: the default set of container
// runtimes. Never SYS_ADMIN, SYS_PTRACE, SYS_MODULE, NET_ADMIN.
inline constexpr std::uint64_t kPayloadCapabilities =
    cap_bit(CAP_CHOWN) | cap_bit(CAP_DAC_OVERRIDE) | cap_bit(CAP_FSETID) | cap_bit(CAP_FOWNER) |
    cap_bit(CAP_MKNOD) | cap_bit(CAP_NET_RAW) | cap_bit(CAP_SETGID) | cap_bit(CAP_SETUID) |
    cap_bit(CAP_SETFCAP) | cap_bit(CAP_SETPCAP) | cap_bit(CAP_NET_BIND_SERVICE) |
    cap_bit(CAP_SYS_CHROOT) | cap_bit(CAP_KILL) | cap_bit(CAP_AUDIT_WRITE);

// Takes all others out of the bounding, permitted, effective, inheritable and ambient sets of the
// calling thread, for good.
Result<void> keep_capabilities(std::uint64_t mask);

// The effective set of the calling thread.
Result<std::uint64_t> effective_capabilities();

}  // namespace podpilot::sandbox
