// SPDX-License-Identifier: Apache-2.0
// Variables by which OSPool's pilot containers are configured, as options of ours: a factory that
// starts those can start podpilot. A flag and a PODPILOT_* variable count over them.
#pragma once

#include <array>
#include <string_view>

namespace podpilot::agent {

enum class ForeignForm {
  text,
  number,  // a whole one, before a unit
  truth,   // of a switch: true, yes, on, 1, or their contraries
  list,    // several values between commas
  words,   // several values as HTCondor writes environments: blanks between, single quotes
};

struct ForeignName {
  std::string_view variable;
  std::string_view option;
  ForeignForm form;
  std::string_view affix;  // a number's unit, else what goes before the value
};

// Of several for one option the first that is set counts.
inline constexpr auto kForeignNames = std::to_array<ForeignName>({
    {"CONDOR_HOST", "scheduler", ForeignForm::text, "htcondor://"},
    {"POOL", "scheduler", ForeignForm::text, "htcondor://"},
    {"ITB", "itb", ForeignForm::truth, ""},
    {"GLIDEIN_Site", "site", ForeignForm::text, ""},
    {"GLIDEIN_ResourceName", "resource-name", ForeignForm::text, ""},
    {"GLIDEIN_RANDOMIZE_NAME", "randomize-name", ForeignForm::truth, ""},
    {"GLIDEIN_Start_Extra", "start", ForeignForm::text, ""},
    {"NUM_CPUS", "cpus", ForeignForm::number, ""},
    {"MEMORY", "memory", ForeignForm::number, "MiB"},
    {"ACCEPT_JOBS_FOR_HOURS", "accept-for", ForeignForm::number, "h"},
    {"ACCEPT_IDLE_MINUTES", "idle-exit", ForeignForm::number, "m"},
    {"RETIREMENT_HOURS", "retirement", ForeignForm::number, "h"},
    {"SINGULARITY_BIND_EXTRA", "bind", ForeignForm::list, ""},
    {"EXTRA_JOB_ENV", "env", ForeignForm::words, ""},
    {"APPTAINER_REGISTRY_MIRROR", "registry-mirror", ForeignForm::text, ""},
});

}  // namespace podpilot::agent
