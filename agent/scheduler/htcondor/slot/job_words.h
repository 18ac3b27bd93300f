// SPDX-License-Identifier: Apache-2.0
// Arguments and environments as job ads write them, in HTCondor's two syntaxes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// Arguments: words between blanks; inside single quotes blanks count and '' is a quote.
// Fault::invalid if a quote is not closed.
Result<std::vector<std::string>> split_arguments(std::string_view text);
// Args: words between blanks, quotes are characters.
std::vector<std::string> split_old_arguments(std::string_view text);

using Environment = std::map<std::string, std::string>;
// Environment: NAME=VALUE words as split_arguments() finds them. Fault::invalid names what has no
// name or no "=".
Result<Environment> split_environment(std::string_view text);
// Env: between `delimiter`s, which cannot be in a value.
Result<Environment> split_old_environment(std::string_view text, char delimiter);

}  // namespace podpilot::agent::htcondor
