// SPDX-License-Identifier: Apache-2.0
// Which certificate authorities https believes.
#pragma once

#include <string>

namespace podpilot::oci::http {

struct Trust {
  std::string file;  // "" is the bundle inside this program
  // For doctor and messages: "/etc/ssl/cert.pem", "built in".
  std::string str() const { return file.empty() ? "built in" : file; }
};

// $SSL_CERT_FILE if set, be it readable or not; else the first readable one of the places where
// distributions keep theirs; else the built-in one, which ages.
Trust find_trust();

}  // namespace podpilot::oci::http
