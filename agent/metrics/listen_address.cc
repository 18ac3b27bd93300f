// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

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
  const auto port = parse_number(text.substr(colon + 1));
  if (!port || *port > UINT16_MAX) return wrong;
  out.port = static_cast<std::uint16_t>(*port);
  std::string_view host = text.substr(0, colon);
  const bool brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  out.host = host;
  if (!host.empty() && !is_address(brackets ? AF_INET6 : AF_INET, out.host)) return wrong;
  return out;
}

}  // namespace podpilot::agent
