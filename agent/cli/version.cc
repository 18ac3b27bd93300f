// SPDX-License-Identifier: Apache-2.0
#include "agent/version.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/cli/commands.h"
#include "sandbox/base/json.h"

namespace podpilot::agent {

int version_command(const Options& options) {
  const BuildInfo& build = build_info();
  if (!options.has("json")) {
    fmt::print("podpilot {}{}{}\n", build.version, build.commit.empty() ? "" : " ", build.commit);
    return 0;
  }
  nlohmann::ordered_json libraries = nlohmann::ordered_json::object();
  for (const Library& library : build.libraries)
    libraries[std::string(library.name)] = std::string(library.version);
  const nlohmann::ordered_json out = {{"version", std::string(build.version)},
                                      {"commit", std::string(build.commit)},
                                      {"compiler", std::string(build.compiler)},
                                      {"target", std::string(build.target)},
                                      {"libraries", libraries}};
  fmt::print("{}\n", out.dump(2));
  return 0;
}

}  // namespace podpilot::agent
