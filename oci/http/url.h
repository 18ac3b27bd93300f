// SPDX-License-Identifier: Apache-2.0
// Absolute http and https URLs without user names or fragments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::oci::http {

class Url {
 public:
  static Result<Url> parse(std::string_view text);
  // `reference` as a browser would follow it from here (RFC 3986 section 5): a Location header.
  Result<Url> resolve(std::string_view reference) const;
  Url with_query(std::string_view more) const;  // `more` is encoded: "a=b&c=d"

  const std::string& scheme() const { return scheme_; }
  const std::string& host() const { return host_; }  // lower case; IPv6 without brackets
  std::uint16_t port() const { return port_; }
  bool secure() const { return scheme_ == "https"; }
  bool same_origin(const Url& other) const;

  // The whole of it. A query may hold a signature or a token: not for messages.
  const std::string& str() const { return text_; }
  // For messages: scheme, host, port if unusual.
  std::string origin() const;

 private:
  Url() = default;
  static Result<Url> make(void* handle);

  std::string text_;
  std::string scheme_;
  std::string host_;
  std::uint16_t port_ = 0;
};

std::string percent_encode(std::string_view text);

// By name or address, nothing is looked up.
bool is_loopback(std::string_view host);
// Link-local addresses and the clouds' metadata services, which no registry has a reason to name.
bool is_metadata(std::string_view host);

}  // namespace podpilot::oci::http
