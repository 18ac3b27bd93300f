// SPDX-License-Identifier: Apache-2.0
#include "agent/job/process_tree.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/proc_stat.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr std::size_t kMaxText = 64 << 10;

// The number behind "KEY:" in a file of such lines.
std::optional<std::uint64_t> value_of(std::string_view text, std::string_view key) {
  const std::size_t found = text.find(key);
  if (found == std::string_view::npos) return std::nullopt;
  std::string_view value = text.substr(found + key.size());
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  return parse_number(value.substr(0, value.find_first_of(" \n")));
}

std::uint64_t kibibytes(std::string_view text, std::string_view key) {
  return value_of(text, key).value_or(0) * 1024;
}

std::string read_of(pid_t pid, const char* file) {
  return read_file(fmt::format("/proc/{}/{}", pid, file), kMaxText).value_or("");
}

}  // namespace

ProcessMemory& ProcessMemory::operator+=(const ProcessMemory& other) {
  anonymous += other.anonymous;
  shared += other.shared;
  return *this;
}

std::optional<ProcessStatus> parse_status(std::string_view text) {
  // Only the name stands before these, and a newline in it is shown as \n.
  const auto parent = value_of(text, "\nPPid:");
  const auto threads = value_of(text, "\nThreads:");
  if (!parent || !threads) return std::nullopt;
  return ProcessStatus{.parent = static_cast<pid_t>(*parent),
                       .threads = static_cast<unsigned>(*threads),
                       .resident = {kibibytes(text, "\nRssAnon:"), kibibytes(text, "\nRssShmem:")}};
}

ProcessMemory parse_rollup(std::string_view text) {
  return {kibibytes(text, "\nPss_Anon:"), kibibytes(text, "\nPss_Shmem:")};
}

CpuTimes parse_cpu_times(std::string_view text, long ticks_per_second) {
  constexpr unsigned kUser = 14;  // then system, and both of the reaped
  if (!stat_field(text, kUser + 3)) return {};
  const auto time = [&](unsigned first) {
    const std::uint64_t ticks =
        stat_field(text, first).value_or(0) + stat_field(text, first + 1).value_or(0);
    return std::chrono::microseconds(ticks * 1'000'000 /
                                     static_cast<std::uint64_t>(ticks_per_second));
  };
  return {.own = time(kUser), .reaped = time(kUser + 2)};
}

Result<ProcessTable> read_processes() {
  const DirFd proc = TRY(open_dir("/proc"));
  const std::vector<std::string> names = TRY(list_names(proc));
  ProcessTable table;
  for (const std::string& name : names) {
    const auto number = parse_number(name);
    if (!number) continue;
    const auto pid = static_cast<pid_t>(*number);
    if (const auto status = parse_status(read_of(pid, "status"))) table.emplace(pid, *status);
  }
  return table;
}

ProcessTree tree_of(const ProcessTable& table, pid_t root) {
  std::map<pid_t, pid_t> parents;
  for (const auto& [pid, status] : table) parents.emplace(pid, status.parent);
  ProcessTree tree;
  tree.processes = descendants(parents, root);
  for (const pid_t pid : tree.processes) {
    tree.threads += table.at(pid).threads;
    tree.resident += table.at(pid).resident;
  }
  return tree;
}

ProcessMemory proportional(const std::vector<pid_t>& processes) {
  ProcessMemory sum;
  for (const pid_t pid : processes) {
    const std::string rollup = read_of(pid, "smaps_rollup");
    // Not readable where the process has another user: then its pages count whole.
    if (!rollup.empty())
      sum += parse_rollup(rollup);
    else if (const auto status = parse_status(read_of(pid, "status")))
      sum += status->resident;
  }
  return sum;
}

std::chrono::microseconds cpu_time(pid_t root, const std::vector<pid_t>& processes) {
  const long ticks = ::sysconf(_SC_CLK_TCK);
  std::chrono::microseconds sum = parse_cpu_times(read_of(root, "stat"), ticks).reaped;
  for (const pid_t pid : processes) {
    const CpuTimes times = parse_cpu_times(read_of(pid, "stat"), ticks);
    sum += times.own + times.reaped;
  }
  return sum;
}

}  // namespace podpilot::agent
