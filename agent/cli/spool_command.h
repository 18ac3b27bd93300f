// SPDX-License-Identifier: Apache-2.0
// What the commands on a spool have in common.
#pragma once

#include <string_view>

#include "agent/cli/options.h"
#include "agent/scheduler/spool/folder.h"

namespace podpilot::agent {

// The spool that the first argument names; `words` is the least number of arguments. Says once on
// stderr where a newer podpilot uses the folder too.
Result<spool::Folder> open_spool(std::string_view command, const Options& options,
                                 std::size_t words, spool::Create create);

}  // namespace podpilot::agent
