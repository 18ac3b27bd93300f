// SPDX-License-Identifier: Apache-2.0
// The one table of options: flags, PODPILOT_* variables and --help come from it. A flag counts
// over the environment, the environment over the default.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::agent {

// Commands as bits, for the table's column of who takes an option.
enum Command : unsigned {
  kPilot = 1,
  kRun = 2,
  kPull = 4,
  kCache = 8,
  kDoctor = 16,
  kSubmit = 32,
  kQueue = 64,
  kCancel = 128,
  kVersion = 256,
};

struct CommandText {
  Command command;
  std::string_view name;
  std::string_view arguments;  // of the usage line, after the options
  std::string_view summary;    // one line, for the list of commands
  std::string_view text;       // what --help says first
  std::string_view examples;
  // Where the first argument that is no option ends the options: everything after it belongs to
  // the payload (`run IMAGE CMD -x`).
  bool ends_at_argument = false;
};

// Nothing where there is no such command.
const CommandText* find_command(std::string_view name);
std::span<const CommandText> commands();

class Options {
 public:
  // `words` is argv after the command's name. Errors are Fault::invalid and name the option.
  static Result<Options> parse(const CommandText& command, std::span<char* const> words);

  bool help() const { return has("help"); }
  bool has(std::string_view name) const;  // of a switch: given; of a value: given or by default
  std::string text(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  // Fault::invalid that names the option where it is not such a value.
  Result<std::uint64_t> number(std::string_view name) const;
  Result<std::uint64_t> bytes(std::string_view name) const;
  Result<std::chrono::milliseconds> duration(std::string_view name) const;

  const std::vector<std::string>& arguments() const { return arguments_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> arguments_;
};

std::string command_help(const CommandText& command);
std::string program_help();

}  // namespace podpilot::agent
