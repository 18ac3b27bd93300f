// SPDX-License-Identifier: Apache-2.0
// --listen: where probes and metrics are served.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::agent {

struct ListenAddress {
  std::string host;  // a literal IPv4 or IPv6 address; "": all of the pod's, of both families
  std::uint16_t port = 0;

  bool operator==(const ListenAddress&) const = default;
};

// "ADDRESS:PORT", "[IPv6]:PORT" or ":PORT"; port 0 lets the kernel choose. Names are not looked up.
Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace podpilot::agent
