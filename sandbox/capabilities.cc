// SPDX-License-Identifier: Apache-2.0
#include "sandbox/capabilities.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/base/errno.h"

namespace podpilot::sandbox {
namespace {

__user_cap_header_struct header() {
  return {_LINUX_CAPABILITY_VERSION_3, 0};
}

}  // namespace

Result<std::uint64_t> effective_capabilities() {
  __user_cap_header_struct head = header();
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &head, data) != 0) return sys_error("capget");
  return std::uint64_t{data[1].effective} << 32 | data[0].effective;
}

Result<void> keep_capabilities(std::uint64_t mask) {
  // The kernel may know more than our headers: ask until it says EINVAL.
  for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap) >= 0; ++cap) {
    if (cap < 64 && (mask & cap_bit(cap))) continue;
    // EPERM: no CAP_SETPCAP, so there is nothing that an exec could gain either.
    if (::prctl(PR_CAPBSET_DROP, cap) != 0 && errno != EPERM) return sys_error("drop capability");
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct head = header();
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &head, data) != 0) return sys_error("capget");
  const std::uint64_t have = std::uint64_t{data[1].permitted} << 32 | data[0].permitted;
  const std::uint64_t keep = have & mask;
  for (int word = 0; word < 2; ++word) {
    const auto bits = static_cast<std::uint32_t>(keep >> (32 * word));
    data[word] = {.effective = bits, .permitted = bits, .inheritable = 0};
  }
  head = header();
  if (::syscall(SYS_capset, &head, data) != 0) return sys_error("capset");
  return {};
}

}  // namespace podpilot::sandbox
