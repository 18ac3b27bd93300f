// SPDX-License-Identifier: Apache-2.0
#include "oci/http/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "oci/http/address.h"
#include "sandbox/base/text.h"

namespace podpilot::oci::http {
namespace {

constexpr std::size_t kMaxUrlBytes = 16 << 10;  // signed URLs of object stores reach 4 KiB

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

Error bad(std::string_view why) {
  return {Fault::invalid, fmt::format("not a URL: {}", why)};
}

std::string part(CURLU* handle, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle, which, &text, flags) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

// curl's C strings end at a NUL, ours would not.
Result<void> set_url(CURLU* handle, std::string_view text, unsigned flags) {
  if (text.empty()) return bad("it is empty");
  if (text.size() > kMaxUrlBytes) return bad("it is too long");
  if (text.contains('\0')) return bad("it has a NUL byte in it");
  const CURLUcode code = curl_url_set(handle, CURLUPART_URL, std::string(text).c_str(), flags);
  if (code != CURLUE_OK) return bad(curl_url_strerror(code));
  return {};
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  const Handle handle(curl_url(), curl_url_cleanup);
  TRY(set_url(handle.get(), text, CURLU_DISALLOW_USER));
  return make(handle.get());
}

Result<Url> Url::resolve(std::string_view reference) const {
  const Handle handle(curl_url(), curl_url_cleanup);
  TRY(set_url(handle.get(), text_, 0));
  TRY(set_url(handle.get(), reference, CURLU_DISALLOW_USER | CURLU_URLENCODE | CURLU_ALLOW_SPACE));
  return make(handle.get());
}

Result<Url> Url::make(void* raw) {
  auto* handle = static_cast<CURLU*>(raw);
  Url out;
  out.scheme_ = part(handle, CURLUPART_SCHEME);
  if (out.scheme_ != "http" && out.scheme_ != "https") return bad("only http and https are known");
  out.host_ = part(handle, CURLUPART_HOST);
  if (out.host_.starts_with('[')) out.host_ = out.host_.substr(1, out.host_.size() - 2);
  std::transform(out.host_.begin(), out.host_.end(), out.host_.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto port = parse_number(part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT));
  if (out.host_.empty() || !port || *port == 0 || *port > 65535)
    return bad("it has no host or a bad port");
  out.port_ = static_cast<std::uint16_t>(*port);
  curl_url_set(handle, CURLUPART_FRAGMENT, nullptr, 0);
  out.text_ = part(handle, CURLUPART_URL);
  return out;
}

Url Url::with_query(std::string_view more) const {
  Url out = *this;
  out.text_ += out.text_.contains('?') ? '&' : '?';
  out.text_ += more;
  return out;
}

bool Url::same_origin(const Url& other) const {
  return scheme_ == other.scheme_ && host_ == other.host_ && port_ == other.port_;
}

std::string Url::origin() const {
  const bool usual = port_ == (secure() ? 443 : 80);
  const std::string host = host_.contains(':') ? "[" + host_ + "]" : host_;
  return printable(fmt::format("{}://{}", scheme_, host)) +
         (usual ? std::string() : fmt::format(":{}", port_));
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    out += unreserved ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;  // RFC 6761
  const auto address = Address::parse(host);
  return address && address->loopback();
}

bool is_metadata(std::string_view host) {
  const auto address = Address::parse(host);
  return host == "metadata.google.internal" || (address && address->metadata());
}

}  // namespace podpilot::oci::http
