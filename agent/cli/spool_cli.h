// SPDX-License-Identifier: Apache-2.0
// What the commands on a spool have in common: their options, their errors.
#pragma once

#include <cxxopts.hpp>
#include <functional>
#include <string>
#include <vector>

#include "agent/scheduler/spool/folder.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::cli {

inline constexpr int kExitFault = 125;  // as docker has it

struct SpoolCommand {
  const char* name;      // "submit"
  const char* summary;   // a line
  const char* usage;     // "SPOOL JOB.json..."
  const char* examples;  // lines
  std::size_t least;     // words that must be there
};

struct SpoolArguments {
  cxxopts::ParseResult options;
  std::vector<std::string> words;  // SPOOL and what follows
};

// Parses argv, answers --help, runs `body`; an Error becomes one line on stderr and exit code 125.
int run_spool_command(const SpoolCommand& command, int argc, char** argv,
                      const std::function<void(cxxopts::Options&)>& add_options,
                      const std::function<Result<int>(const SpoolArguments&)>& body);

// "podpilot NAME: text (slug)" on stderr.
void complain(const SpoolCommand& command, const std::string& text, std::string_view slug = "");

// Opens a spool and says on stderr if a newer podpilot uses the folder too.
Result<spool::Folder> open_spool(const SpoolCommand& command, const std::string& path,
                                 spool::Create create);

}  // namespace podpilot::agent::cli
