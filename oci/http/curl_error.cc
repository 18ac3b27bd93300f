// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstring>

#include "oci/http/exchange.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"

namespace podpilot::oci::http {

namespace {

constexpr auto kTooLarge = static_cast<CURLcode>(100);  // CURLE_TOO_LARGE, of curl 8.6 and newer

}  // namespace

Error Exchange::fail(Failure failure, Fault fault, std::string_view what) {
  failure_ = failure;
  return {fault, fmt::format("{}: {}", url_.origin(), what)};
}

Error Exchange::header_too_long() {
  return fail(Failure::forbidden, Fault::invalid,
              "answers with a header that is too long or broken");
}

// Until then curl lacks memory; from then on a line is beyond its limit, for which curls without
// kTooLarge have the same code.
bool Exchange::head_began() const {
  curl_off_t first_byte = 0;
  curl_easy_getinfo(handle_.easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte);
  return first_byte > 0;
}

// What the proxy said to CONNECT, if it was not yes.
std::optional<Error> Exchange::refusal_of_proxy() {
  long status = 0;
  curl_easy_getinfo(handle_.easy, CURLINFO_HTTP_CONNECTCODE, &status);
  if (status < 300) return std::nullopt;
  const bool unable = status >= 500;
  return fail(unable ? Failure::connect : Failure::forbidden,
              unable ? Fault::transient : Fault::denied,
              fmt::format("the proxy does not connect to it (status {})", status));
}

// curl's own text goes into messages only where it is about TLS: elsewhere it may quote the URL.
Error Exchange::error_of(CURLcode code) {
  if (std::optional<Error> refused = refusal_of_proxy()) return *std::move(refused);
  long err = 0;
  curl_easy_getinfo(handle_.easy, CURLINFO_OS_ERRNO, &err);
  const std::string detail = printable(std::string_view(curl_text_.data()).substr(0, 200));
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return fail(Failure::name, Fault::transient,
                  "the name does not resolve; check its spelling and the pod's DNS");
    case CURLE_COULDNT_RESOLVE_PROXY:
      return fail(Failure::name, Fault::transient,
                  "the name of the proxy does not resolve; check HTTPS_PROXY and HTTP_PROXY");
    case CURLE_COULDNT_CONNECT:
      return fail(
          Failure::connect, Fault::transient,
          fmt::format("cannot connect{}", err ? ": " + errno_name(static_cast<int>(err)) : ""));
    case CURLE_OPERATION_TIMEDOUT:
      return fail(Failure::timeout, Fault::transient,
                  fmt::format("no connection within {}", human_duration(options_.connect_timeout)));
    case CURLE_PEER_FAILED_VERIFICATION:
      return fail(Failure::certificate, Fault::denied,
                  fmt::format("its certificate is not accepted ({}); authorities are from: {}; set "
                              "SSL_CERT_FILE to a bundle that has the right one",
                              detail, printable(trust_.source)));
    case CURLE_SSL_CACERT_BADFILE:
      return fail(Failure::certificate, Fault::invalid,
                  fmt::format("the CA bundle {} cannot be read", printable(trust_.source)));
    case CURLE_SSL_CONNECT_ERROR:
      return fail(Failure::tls, Fault::transient, fmt::format("no TLS handshake ({})", detail));
    case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9: no status line at all
    case CURLE_WEIRD_SERVER_REPLY:
      return fail(Failure::forbidden, Fault::invalid, "the answer is not HTTP");
    case kTooLarge:
      return header_too_long();
    case CURLE_OUT_OF_MEMORY:
      if (head_began()) return header_too_long();
      return fail(Failure::forbidden, Fault::exhausted, "out of memory");
    case CURLE_URL_MALFORMAT:
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return fail(Failure::forbidden, Fault::internal, curl_easy_strerror(code));
    default:
      return fail(Failure::cut, Fault::transient,
                  fmt::format("the connection broke ({})", curl_easy_strerror(code)));
  }
}

}  // namespace podpilot::oci::http
