// SPDX-License-Identifier: Apache-2.0
#include "sandbox/network.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "sandbox/base/errno.h"
#include "sandbox/base/fd.h"

namespace podpilot::sandbox {

Result<void> raise_loopback() {
  const UniqueFd any(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any) return sys_error("socket");
  ifreq lo{};
  std::strcpy(lo.ifr_name, "lo");
  if (::ioctl(any.get(), SIOCGIFFLAGS, &lo) != 0) return sys_error("SIOCGIFFLAGS");
  lo.ifr_flags = static_cast<short>(lo.ifr_flags | IFF_UP);
  if (::ioctl(any.get(), SIOCSIFFLAGS, &lo) != 0) return sys_error("SIOCSIFFLAGS");
  return {};
}

}  // namespace podpilot::sandbox
