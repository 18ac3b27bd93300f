// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace podpilot::agent {

// Lines of at most 96 columns, all but the first of which begin with `indent` spaces; a word that
// is longer has a line of its own.
std::string wrap(std::string_view text, std::size_t indent);

}  // namespace podpilot::agent
