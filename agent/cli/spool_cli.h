// SPDX-License-Identifier: Apache-2.0
// What the commands on a spool have in common.
#pragma once

#include <functional>
#include <string_view>

#include "agent/cli/options.h"
#include "agent/scheduler/spool/folder.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

// Opens the spool that the first argument names and runs `body` on it. Wants at least `words`
// arguments. An Error becomes one line on stderr and exit code 125; a newer podpilot that uses the
// same folder is mentioned there, too.
int with_spool(std::string_view command, const Options& options, std::size_t words,
               spool::Create create,
               const std::function<Result<int>(const spool::Folder& folder)>& body);

// One job of several failed: a line with its slug; the others go on.
void complain(std::string_view command, const Error& error);

}  // namespace podpilot::agent
