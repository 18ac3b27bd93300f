// SPDX-License-Identifier: Apache-2.0
// What a call of apptainer asks for, as a job of podpilot's. Which calls HTCondor's condor_starter
// makes: src/condor_starter.V6.1/singularity.cpp and os_proc.cpp of github.com/htcondor/htcondor.
// It makes them in the job's environment, and puts the image, which is the job's text and may look
// like a flag, right behind the last flag.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/job/description.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

// Where the call is made from.
struct Surroundings {
  std::string cwd;  // absolute
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::map<std::string, std::string> environment;
};

struct RegistryLogin {
  std::string username;
  std::string password;
};

enum class ApptainerVerb { help, version, exec, run, test };

struct ApptainerCall {
  ApptainerVerb verb = ApptainerVerb::help;
  JobDescription job;  // of exec, run and test
  // Words of `podpilot run` for how it is to be run. The first of a name counts: the site's.
  std::vector<std::string> options;
  std::string workdir;  // absolute; "" where none was given
  // Sources of binds, relative to `workdir`, that are to be made.
  std::vector<std::string> folders;
  bool nvidia = false;
  bool amd = false;
  std::optional<RegistryLogin> login;  // the job's own
};

// What `test` runs: the place of an image's own test, which most images do not have.
inline constexpr const char* kImageTest = "/.singularity.d/test";
// Below the folder of --workdir, what podpilot keeps there.
inline constexpr const char* kWorkdirPart = ".podpilot";

// Pure. `words` is argv after the program's name. Fault::invalid names the word, Fault::unsupported
// the image.
Result<ApptainerCall> parse_apptainer_call(std::span<const std::string> words,
                                           const Surroundings& surroundings);

}  // namespace podpilot::agent
