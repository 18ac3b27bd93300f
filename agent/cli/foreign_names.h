// SPDX-License-Identifier: Apache-2.0
// Variables by which OSPool's pilot containers are configured, as options of ours: a factory that
// starts those can start podpilot. A flag and a PODPILOT_* variable count over them.
#pragma once

#include <array>
#include <string_view>

namespace podpilot::agent {

struct ForeignName {
  std::string_view variable;
  std::string_view option;
  std::string_view prefix;  // of the option's value
  std::string_view unit;    // after a whole number; "" where any text will do
};

// Of several for one option the first that is set counts.
inline constexpr auto kForeignNames = std::to_array<ForeignName>({
    {"CONDOR_HOST", "scheduler", "htcondor://", ""},
    {"POOL", "scheduler", "htcondor://", ""},
    {"GLIDEIN_Site", "site", "", ""},
    {"GLIDEIN_ResourceName", "resource-name", "", ""},
    {"GLIDEIN_Start_Extra", "start", "", ""},
    {"NUM_CPUS", "cpus", "", ""},
    {"MEMORY", "memory", "", "MiB"},
    {"ACCEPT_JOBS_FOR_HOURS", "accept-for", "", "h"},
    {"ACCEPT_IDLE_MINUTES", "idle-exit", "", "m"},
    {"RETIREMENT_HOURS", "retirement", "", "h"},
});

}  // namespace podpilot::agent
