// SPDX-License-Identifier: Apache-2.0
// Which certificate authorities https believes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace podpilot::oci::http {

struct Trust {
  std::string source;  // for doctor and messages: "/etc/ssl/cert.pem", "built in"
  std::string file;    // what was read; empty for the built-in bundle, or where it cannot be read
  bool built_in = false;

  std::string_view pem() const;
  std::size_t certificates() const;
};

// $SSL_CERT_FILE if set, be it readable or not; else the first readable one of the places where
// distributions keep theirs; else the built-in one, which ages. Read as configuration files are
// (config_files.h).
Trust find_trust();
Trust trust_in(const std::string& file);

// Every file that find_trust() may want to read.
std::vector<std::string> trust_files();

}  // namespace podpilot::oci::http
