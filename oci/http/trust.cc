// SPDX-License-Identifier: Apache-2.0
#include "oci/http/trust.h"

#include <unistd.h>

#include <cstdlib>

namespace podpilot::oci::http {

Trust find_trust() {
  if (const char* file = std::getenv("SSL_CERT_FILE"); file && *file) return {file};
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"})
    if (access(file, R_OK) == 0) return {file};
  return {};
}

}  // namespace podpilot::oci::http
