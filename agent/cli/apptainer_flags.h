// SPDX-License-Identifier: Apache-2.0
// The words of apptainer's command line, as far as podpilot knows them: which of them are flags,
// and where what belongs to the payload begins.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::agent {

enum class ApptainerFlag {
  help,
  version,
  quiet,
  verbose,
  debug,
  contained,  // what a sandbox of podpilot's does in any case
  clean_env,
  scratch,
  workdir,
  bind,
  home,
  pwd,
  env,
  fake_root,
  nvidia,
  amd,
  option,  // podpilot's own, of `podpilot run`; none that isolation depends on: see
           // apptainer_call.h
};

struct GivenFlag {
  ApptainerFlag flag;
  std::string name;   // as it was written: "-B", "--bind"
  std::string value;  // "" of a switch
};

struct ApptainerLine {
  std::string verb;  // "" where there is none
  std::vector<GivenFlag> flags;
  std::vector<std::string> arguments;  // the image and what is the payload's
};

// `words` is argv after the program's name. Flags count before and after the verb alike.
// Fault::invalid names the word that is not known, or lacks its value.
Result<ApptainerLine> parse_apptainer_line(std::span<const std::string> words);

// The flags, for --help.
std::string apptainer_flags_help();

}  // namespace podpilot::agent
