// SPDX-License-Identifier: Apache-2.0
#include "sandbox/limits.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "sandbox/base/errno.h"
#include "sandbox/base/random.h"

namespace podpilot::sandbox {
namespace {

Result<void> set_limit(__rlimit_resource resource, std::optional<std::uint64_t> value,
                       std::uint64_t above = 0) {
  if (!value) return {};
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return sys_error("getrlimit");
  limit.rlim_max = std::min<rlim_t>(*value + above, limit.rlim_max);
  limit.rlim_cur = std::min<rlim_t>(*value, limit.rlim_max);
  if (::setrlimit(resource, &limit) != 0) return sys_error("setrlimit");
  return {};
}

// A number of CPUs in a row, from a random one on: sandboxes that start at the same time do not all
// take the first.
Result<void> choose_cpus(std::optional<std::uint64_t> number) {
  if (!number) return {};
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return sys_error("sched_getaffinity");
  std::vector<std::size_t> cpus;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  if (*number >= cpus.size()) return {};
  const std::uint64_t start = random_number() % cpus.size();
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  for (std::uint64_t i = 0; i < *number; ++i) CPU_SET(cpus[(start + i) % cpus.size()], &chosen);
  if (::sched_setaffinity(0, sizeof chosen, &chosen) != 0) return sys_error("sched_setaffinity");
  return {};
}

}  // namespace

Result<void> apply_limits(const ResourceLimits& limits) {
  TRY(set_limit(RLIMIT_NOFILE, limits.open_files));
  TRY(set_limit(RLIMIT_CORE, limits.core_size));
  TRY(set_limit(RLIMIT_FSIZE, limits.file_size));
  TRY(set_limit(RLIMIT_DATA, limits.data_size));
  // SIGXCPU at the soft limit tells what happened, which SIGKILL at the hard one does not.
  TRY(set_limit(RLIMIT_CPU, limits.cpu_seconds, 1));
  // Of the same user in the same namespace: pid 1 of the sandbox, whose memory this is.
  constexpr std::uint64_t kOurs = 1;
  if (limits.processes) TRY(set_limit(RLIMIT_NPROC, *limits.processes + kOurs));
  TRY(choose_cpus(limits.cpus));
  return {};
}

void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace podpilot::sandbox
