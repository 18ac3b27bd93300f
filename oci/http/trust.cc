// SPDX-License-Identifier: Apache-2.0
#include "oci/http/trust.h"

#include <array>
#include <cstdlib>

#include "oci/http/ca_bundle.h"
#include "sandbox/base/config_files.h"

namespace podpilot::oci::http {
namespace {

constexpr std::size_t kMaxBundleBytes = 16 << 20;

constexpr std::array kPlaces = {"/etc/ssl/certs/ca-certificates.crt",
                                "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
                                "/etc/ssl/ca-bundle.pem"};

const char* chosen() {
  const char* file = std::getenv("SSL_CERT_FILE");
  return file && *file ? file : nullptr;
}

}  // namespace

std::string_view Trust::pem() const {
  return built_in ? embedded_ca_bundle() : std::string_view(file);
}

std::size_t Trust::certificates() const {
  constexpr std::string_view kMark = "CERTIFICATE-----";  // of a BEGIN line and of an END line
  std::size_t marks = 0;
  const std::string_view text = pem();
  for (std::size_t at = text.find(kMark); at != text.npos; at = text.find(kMark, at + 1)) ++marks;
  return marks / 2;
}

Trust trust_in(const std::string& file) {
  Trust out{.source = file, .file = {}};
  if (Result<std::string> bytes = read_config_file(file, kMaxBundleBytes))
    out.file = *std::move(bytes);
  return out;
}

Trust find_trust() {
  if (const char* file = chosen()) return trust_in(file);
  for (const char* file : kPlaces)
    if (Trust found = trust_in(file); !found.file.empty()) return found;
  return {.source = "built in", .file = {}, .built_in = true};
}

std::vector<std::string> trust_files() {
  if (const char* file = chosen()) return {file};
  return {kPlaces.begin(), kPlaces.end()};
}

}  // namespace podpilot::oci::http
