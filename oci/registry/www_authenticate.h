// SPDX-License-Identifier: Apache-2.0
// The WWW-Authenticate header (RFC 9110 section 11.6.1), the most hostile grammar a registry sends.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::oci {

struct Challenge {
  std::string scheme;                             // lower case: "bearer"
  std::map<std::string, std::string> parameters;  // names in lower case, values unquoted

  // "" if absent.
  std::string parameter(const std::string& name) const;
};

// One header's value, which may hold several challenges. A token68 (as of Negotiate) is skipped. A
// parameter that stands twice in one challenge is Fault::invalid.
Result<std::vector<Challenge>> parse_www_authenticate(std::string_view value);

}  // namespace podpilot::oci
