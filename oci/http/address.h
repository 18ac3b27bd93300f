// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace podpilot::oci::http {

// An IP address, IPv4 as IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2), so that no spelling of an
// address escapes the rules about it.
class Address {
 public:
  static std::optional<Address> parse(std::string_view text);  // no brackets
  static std::optional<Address> of(const sockaddr* address);

  bool loopback() const;  // 127.0.0.0/8, ::1, and "this host" 0.0.0.0/8 and ::
  bool metadata() const;  // 169.254.0.0/16, fe80::/10, fd00:ec2::/32, 100.100.100.200

 private:
  bool is_ipv4() const;
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace podpilot::oci::http
