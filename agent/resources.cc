// SPDX-License-Identifier: Apache-2.0
#include "agent/resources.h"

#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr std::size_t kMaxText = 4096;

std::string first_line(const char* path) {
  const Result<std::string> text = read_file(path, kMaxText);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

// In a pod the cgroup namespace makes the pod's own group the root of what is mounted.
unsigned cpu_quota() {
  if (const unsigned cpus = cpus_of_quota(first_line("/sys/fs/cgroup/cpu.max"))) return cpus;
  const std::string quota = first_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const std::string period = first_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  return cpus_of_quota(quota + " " + period);
}

std::optional<std::uint64_t> memory_limit() {
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (const auto limit = parse_number(first_line(path))) return limit;
  return std::nullopt;
}

}  // namespace

unsigned cpus_of_quota(std::string_view cpu_max) {
  const std::size_t space = cpu_max.find(' ');
  if (space == std::string_view::npos) return 0;
  const auto quota = parse_number(cpu_max.substr(0, space));
  const auto period = parse_number(cpu_max.substr(space + 1));
  if (!quota || !period || *period == 0) return 0;
  return static_cast<unsigned>(std::max<std::uint64_t>(1, (*quota + *period - 1) / *period));
}

Result<Resources> detect_resources(const std::string& scratch) {
  Resources out;
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return sys_error("sched_getaffinity");
  out.cpus = static_cast<unsigned>(CPU_COUNT(&allowed));
  if (const unsigned quota = cpu_quota()) out.cpus = std::min(out.cpus, quota);

  out.memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
               static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (const auto limit = memory_limit()) out.memory = std::min(out.memory, *limit);

  struct statvfs disk{};
  if (::statvfs(scratch.c_str(), &disk) != 0) return sys_error("statvfs " + scratch);
  out.disk = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  return out;
}

}  // namespace podpilot::agent
