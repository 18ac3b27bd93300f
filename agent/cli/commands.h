// SPDX-License-Identifier: Apache-2.0
// The commands, one file each. What a command prints on stdout is data; it returns its exit code.
#pragma once

#include <span>
#include <string_view>

#include "agent/cli/options.h"

namespace podpilot::agent {

inline constexpr int kExitFailed = 125;  // of podpilot itself, as docker has it
// Of a pilot whose options are wrong in every pod that has them (EX_CONFIG of sysexits.h).
inline constexpr int kExitMisconfigured = 78;

int pilot_command(const Options& options);
int run_command(const Options& options);
int pull_command(const Options& options);
int cache_command(const Options& options);
int doctor_command(const Options& options);
int submit_command(const Options& options);
int queue_command(const Options& options);
int cancel_command(const Options& options);
int version_command(const Options& options);

// `podpilot` called as one of these names: an own command line, that of apptainer.
bool is_apptainer(std::string_view name);
int apptainer_command(std::string_view name, std::span<char* const> words);

}  // namespace podpilot::agent
