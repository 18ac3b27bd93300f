// SPDX-License-Identifier: Apache-2.0
#include "oci/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace podpilot::oci::http {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<std::uint8_t, 12> kZero = {};

template <std::size_t N>
bool begins(const std::array<std::uint8_t, 16>& bytes, const std::array<std::uint8_t, N>& prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  Address out;
  const std::string name(text.substr(0, text.find('%')));  // without a zone (RFC 4007)
  std::copy(kMapped.begin(), kMapped.end(), out.bytes_.begin());
  if (inet_pton(AF_INET, name.c_str(), out.bytes_.data() + kMapped.size()) == 1) return out;
  if (inet_pton(AF_INET6, name.c_str(), out.bytes_.data()) == 1) return out;
  return std::nullopt;
}

std::optional<Address> Address::of(const sockaddr* address) {
  Address out;
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::copy(kMapped.begin(), kMapped.end(), out.bytes_.begin());
    std::memcpy(out.bytes_.data() + kMapped.size(), &in.sin_addr, sizeof in.sin_addr);
    return out;
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in6{};
  std::memcpy(&in6, address, sizeof in6);
  std::memcpy(out.bytes_.data(), &in6.sin6_addr, sizeof in6.sin6_addr);
  return out;
}

// Mapped, or the older IPv4-compatible form ::a.b.c.d; "::" and "::1" count as the latter.
bool Address::is_ipv4() const {
  return begins(bytes_, kMapped) || begins(bytes_, kZero);
}

bool Address::loopback() const {
  if (!is_ipv4()) return false;
  return bytes_[12] == 127 || bytes_[12] == 0;
}

bool Address::metadata() const {
  if (is_ipv4())
    return (bytes_[12] == 169 && bytes_[13] == 254) ||
           (bytes_[12] == 100 && bytes_[13] == 100 && bytes_[14] == 100 && bytes_[15] == 200);
  const bool link_local = bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
  return link_local || begins(bytes_, std::array<std::uint8_t, 4>{0xfd, 0x00, 0x0e, 0xc2});
}

}  // namespace podpilot::oci::http
