// SPDX-License-Identifier: Apache-2.0
#include "agent/resources.h"

#include <sched.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "agent/memory_cgroup.h"
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

}  // namespace

unsigned cpus_of_quota(std::string_view cpu_max) {
  const std::size_t space = cpu_max.find(' ');
  if (space == std::string_view::npos) return 0;
  const auto quota = parse_number(cpu_max.substr(0, space));
  const auto period = parse_number(cpu_max.substr(space + 1));
  if (!quota || !period || *period == 0) return 0;
  return static_cast<unsigned>(std::max<std::uint64_t>(1, (*quota + *period - 1) / *period));
}

std::uint64_t lendable(std::uint64_t memory) {
  constexpr std::uint64_t kReserve = 128ULL << 20;
  return memory - std::min(memory / 2, kReserve);
}

Result<unsigned> usable_cpus() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return sys_error("sched_getaffinity");
  const auto cpus = static_cast<unsigned>(CPU_COUNT(&allowed));
  const unsigned quota = cpu_quota();
  return quota ? std::min(cpus, quota) : cpus;
}

Result<Resources> detect_resources(const std::string& scratch) {
  Resources out;
  out.cpus = TRY(usable_cpus());
  out.memory = physical_memory();
  if (const auto group = limited_memory_group())
    if (const auto pod = read_pod_memory(*group)) out.memory = pod->limit;

  struct statvfs disk{};
  if (::statvfs(scratch.c_str(), &disk) != 0) return sys_error("statvfs " + scratch);
  out.disk = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  return out;
}

}  // namespace podpilot::agent
