// SPDX-License-Identifier: Apache-2.0
// HTCondor's addresses: "<host:port?key=value&flag>", values percent-encoded. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

inline constexpr std::uint16_t kCollectorPort = 9618;

struct Endpoint {
  std::string host;  // a name, or an IPv4 or IPv6 address without brackets
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

struct Sinful {
  std::string host;  // as in Endpoint
  std::uint16_t port = 0;
  std::vector<Endpoint> addrs;            // numeric; what to dial where there are any
  std::vector<std::string> ccb_contacts;  // "BROKER#ID", decoded; more than one broker is allowed
  std::string sock;                       // the daemon behind a shared port
  std::string alias;                      // host name
  std::string private_network;            // PrivNet
  std::string private_address;            // PrivAddr, itself a sinful
  bool no_udp = false;
  std::map<std::string, std::string> others;  // parameters that are not known here

  bool operator==(const Sinful&) const = default;

  // Where to connect to, in order of preference: addrs, else host and port.
  std::vector<Endpoint> endpoints() const;
};

inline constexpr std::size_t kMaxSinful = 8192;  // bytes
inline constexpr std::size_t kMaxSinfulParameters = 64;

// With or without the angle brackets; a missing port is 0. The form in braces (version 1) is
// Fault::unsupported, everything else Fault::invalid.
Result<Sinful> parse_sinful(std::string_view text);

// With angle brackets; parse_sinful() gives the same value back.
std::string format(const Sinful& address);

// A comma-separated list of the operator's: "HOST[:PORT][?sock=ID],...", the port 9618 where none
// is given. Empty elements and an empty list are Fault::invalid.
Result<std::vector<Sinful>> parse_sinful_list(std::string_view text);

// "HOST:PORT" or "HOST:PORT?sock=ID", for messages and logs.
std::string brief(const Sinful& address);

}  // namespace podpilot::agent::htcondor
