// SPDX-License-Identifier: Apache-2.0
// Files of variables in docker's format: a line is NAME=VALUE, the value taken as it stands, or
// NAME alone; blank lines and those that begin with # mean nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::agent {

// "NAME=VALUE" and "NAME", in the order of the file. Fault::invalid names the line.
Result<std::vector<std::string>> parse_env_file(std::string_view text);

}  // namespace podpilot::agent
