// SPDX-License-Identifier: Apache-2.0
// A job's processes as the pilot's /proc shows them: the descendants of its sandbox's first
// process, to which orphans return.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::agent {

// Bytes. Page cache that is mapped is in neither.
struct ProcessMemory {
  std::uint64_t anonymous = 0;
  std::uint64_t shared = 0;  // of tmpfs files, memfds, SysV segments and anonymous shared mappings

  ProcessMemory& operator+=(const ProcessMemory& other);
  bool operator==(const ProcessMemory&) const = default;
};

struct ProcessStatus {
  pid_t parent = 0;
  unsigned threads = 0;
  ProcessMemory resident;  // a page counts in each process that has it

  bool operator==(const ProcessStatus&) const = default;
};

// Pure: the texts of /proc/PID/status and smaps_rollup, in which a page that n processes have
// counts 1/n to each.
std::optional<ProcessStatus> parse_status(std::string_view text);
ProcessMemory parse_rollup(std::string_view text);

struct CpuTimes {
  std::chrono::microseconds own{0};     // user and system
  std::chrono::microseconds reaped{0};  // of children that ended and were waited for

  bool operator==(const CpuTimes&) const = default;
};
// Pure: the text of /proc/PID/stat, whose second field may hold anything.
CpuTimes parse_cpu_times(std::string_view text, long ticks_per_second);

using ProcessTable = std::map<pid_t, ProcessStatus>;
// Reads one file for each process of the pod, some 20 microseconds.
Result<ProcessTable> read_processes();

struct ProcessTree {
  std::vector<pid_t> processes;  // without the root
  unsigned threads = 0;
  ProcessMemory resident;
};
// Pure.
ProcessTree tree_of(const ProcessTable& table, pid_t root);

// Sums over processes, of which those that ended meanwhile count nothing. The first walks all page
// tables.
ProcessMemory proportional(const std::vector<pid_t>& processes);
// Of a tree with what its root has reaped. Children of a process that ignores SIGCHLD are lost: the
// kernel adds them to nobody.
std::chrono::microseconds cpu_time(pid_t root, const std::vector<pid_t>& processes);

}  // namespace podpilot::agent
