// SPDX-License-Identifier: Apache-2.0
// A registry's refusal in one line.
#pragma once

#include <string>
#include <string_view>

#include "oci/http/client.h"
#include "oci/registry/credentials.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// What of a name a registry was asked for, and as whom.
struct Asked {
  std::string name;  // as the user knows it: "docker.io/library/busybox:latest"
  std::string host;  // of the registry: "https://registry-1.docker.io"
  bool with_credentials = false;
  std::string helper = {};  // that was not asked for credentials
};

// The Error of a status that is not the one wanted.
Error error_of_status(const Asked& asked, const http::Response& response);

// The token server's refusal, `response`, or the lack of an answer it understood.
Error error_of_token(const Asked& asked, const http::Response& response);

// "MANIFEST_UNKNOWN: manifest unknown", as the body of an error says (distribution-spec, error
// codes); "" if it says nothing. One printable line.
std::string registry_message(std::string_view body);

}  // namespace podpilot::oci
