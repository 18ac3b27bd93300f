// SPDX-License-Identifier: Apache-2.0
// /proc/PID/stat, and who descends from whom. Pure.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace podpilot {

// Field n of proc_pid_stat(5), which counts from 1; nothing where it is no number or not there. The
// second is a name that may hold anything, so only those behind it (3 and up) can be asked for.
std::optional<std::uint64_t> stat_field(std::string_view stat, unsigned n);

// All that come from `root`, without it, where `parents` says whose child each process is. A table
// that was read in passing may say that a process is its own ancestor: that ends the walk there.
std::vector<pid_t> descendants(const std::map<pid_t, pid_t>& parents, pid_t root);

}  // namespace podpilot
