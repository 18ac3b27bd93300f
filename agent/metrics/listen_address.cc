// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

bool is_address(int family, const std::string& text) {
  in6_addr address{};
  return ::inet_pton(family, text.c_str(), &address) == 1;
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const Error wrong{
      Fault::invalid,
      fmt::format("\"{}\": must be ADDRESS:PORT, [IPv6]:PORT or :PORT", printable(text))};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  ListenAddress out;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size()) return wrong;
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  out.host = host;
  if (!host.empty() && !is_address(brackets ? AF_INET6 : AF_INET, out.host)) return wrong;
  return out;
}

}  // namespace podpilot::agent
