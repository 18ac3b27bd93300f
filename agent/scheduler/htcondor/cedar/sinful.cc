// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/sinful.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kMaxAddrs = 16;

Error bad(std::string_view text, std::string_view why) {
  return {Fault::invalid, fmt::format("\"{}\" is not an address of HTCondor's: {}",
                                      printable(text.substr(0, 200)), why)};
}

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string encode(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (is_alnum(c) || std::string_view("#+-.:[]_").contains(c))
      out += c;
    else
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low || (*high == 0 && *low == 0)) return std::nullopt;
    out += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number(text);
  if (!port || *port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}
bool is_ipv4(const std::string& host) {
  in_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  return fmt::format(fmt::runtime(host.contains(':') ? "[{}]:{}" : "{}:{}"), host, port);
}

// "host", "host:port", "[ipv6]:port", or a bare IPv6 address.
std::optional<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint out;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    out.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!is_ipv6(out.host)) return std::nullopt;
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    out.host = text;
    if (!is_ipv6(out.host)) return std::nullopt;
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    out.host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (out.host.empty() || out.host.find_first_of(" \t<>,;&=\"'") != std::string::npos)
    return std::nullopt;
  if (port.empty()) return out;
  const auto number = port.starts_with(':') ? parse_port(port.substr(1)) : std::nullopt;
  if (!number) return std::nullopt;
  out.port = *number;
  return out;
}

// "127.0.0.1-9618", "[2001-db8--1]-9618": no colons, because old releases stumble over them
// (condor_utils/condor_sockaddr.cpp, from_ccb_safe_string).
std::optional<Endpoint> parse_addr(std::string_view text) {
  const std::size_t dash = text.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  std::string host(text.substr(0, dash));
  std::replace(host.begin(), host.end(), '-', ':');
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto port = parse_port(text.substr(dash + 1));
  if (!port || (!is_ipv4(host) && !is_ipv6(host))) return std::nullopt;
  return Endpoint{std::move(host), *port};
}

std::string format_addr(const Endpoint& addr) {
  std::string host = addr.host.contains(':') ? "[" + addr.host + "]" : addr.host;
  std::replace(host.begin(), host.end(), ':', '-');
  return fmt::format("{}-{}", host, addr.port);
}

// False where the value makes no sense.
bool take(Sinful& out, const std::string& key, const std::string& value) {
  if (key == "addrs") {
    out.addrs.clear();
    for (const std::string_view one : split(value, '+')) {
      const auto addr = parse_addr(one);
      if (!addr || out.addrs.size() == kMaxAddrs) return false;
      out.addrs.push_back(*addr);
    }
  } else if (key == "CCBID") {
    out.ccb_contacts.clear();
    for (const std::string_view one : split(value, ' '))
      if (!one.empty()) out.ccb_contacts.emplace_back(one);
  } else if (key == "sock") {
    out.sock = value;
  } else if (key == "alias") {
    out.alias = value;
  } else if (key == "PrivNet") {
    out.private_network = value;
  } else if (key == "PrivAddr") {
    out.private_address = value;
  } else if (key == "noUDP") {
    out.no_udp = true;
  } else {
    out.others[key] = value;
  }
  return true;
}

Result<void> parse_parameters(std::string_view whole, std::string_view text, Sinful& out) {
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("&;"), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto key = decode(pair.substr(0, equals));
    const auto value = decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!key || key->empty() || !value) return bad(whole, "a parameter is not percent-encoded");
    if (++count > kMaxSinfulParameters) return bad(whole, "too many parameters");
    if (!take(out, *key, *value)) return bad(whole, fmt::format("{} is wrong", printable(*key)));
  }
  return {};
}

}  // namespace

std::vector<Endpoint> Sinful::endpoints() const {
  if (!addrs.empty()) return addrs;
  if (host.empty()) return {};
  return {{host, port}};
}

Result<Sinful> parse_sinful(std::string_view text) {
  const std::string_view whole = text;
  if (text.size() > kMaxSinful) return bad(whole, "too long");
  if (text.starts_with('{'))
    return Error{Fault::unsupported, "addresses in braces (version 1) are not supported"};
  if (text.starts_with('<') != text.ends_with('>') || text.size() < 2)
    return bad(whole, "it is not in angle brackets");
  if (text.starts_with('<')) text = text.substr(1, text.size() - 2);
  if (text.find_first_of("<>") != std::string_view::npos || text.contains('\0'))
    return bad(whole, "a character that cannot stand there");
  const std::size_t question = std::min(text.find('?'), text.size());
  const auto endpoint = parse_endpoint(text.substr(0, question));
  if (!endpoint) return bad(whole, "no host and port");
  Sinful out;
  out.host = endpoint->host;
  out.port = endpoint->port;
  TRY(parse_parameters(whole, text.substr(std::min(question + 1, text.size())), out));
  return out;
}

std::string format(const Sinful& address) {
  std::map<std::string, std::string> parameters = address.others;
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) parameters[key] = value;
  };
  std::string addrs;
  for (const Endpoint& addr : address.addrs)
    addrs += (addrs.empty() ? "" : "+") + format_addr(addr);
  std::string contacts;
  for (const std::string& contact : address.ccb_contacts)
    contacts += (contacts.empty() ? "" : " ") + contact;
  put("addrs", addrs);
  put("CCBID", contacts);
  put("sock", address.sock);
  put("alias", address.alias);
  put("PrivNet", address.private_network);
  put("PrivAddr", address.private_address);
  if (address.no_udp) parameters["noUDP"] = "";
  std::string out = "<" + host_and_port(address.host, address.port);
  char separator = '?';
  for (const auto& [key, value] : parameters) {
    out += separator + encode(key);
    if (!value.empty()) out += "=" + encode(value);
    separator = '&';
  }
  return out + ">";
}

Result<std::vector<Sinful>> parse_sinful_list(std::string_view text) {
  std::vector<Sinful> out;
  for (const std::string_view one : split(text, ',')) {
    Sinful address = TRY(parse_sinful(one));
    if (address.port == 0) address.port = kCollectorPort;
    out.push_back(std::move(address));
  }
  return out;
}

std::string brief(const Sinful& address) {
  return host_and_port(address.host, address.port) +
         (address.sock.empty() ? "" : "?sock=" + printable(address.sock));
}

}  // namespace podpilot::agent::htcondor
