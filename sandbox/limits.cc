// SPDX-License-Identifier: Apache-2.0
#include "sandbox/limits.h"

#include <sys/resource.h>

#include <algorithm>

#include "sandbox/base/errno.h"

namespace podpilot::sandbox {
namespace {

Result<void> set_limit(__rlimit_resource resource, std::optional<std::uint64_t> value) {
  if (!value) return {};
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return sys_error("getrlimit");
  limit.rlim_cur = limit.rlim_max = std::min<rlim_t>(*value, limit.rlim_max);
  if (::setrlimit(resource, &limit) != 0) return sys_error("setrlimit");
  return {};
}

}  // namespace

Result<void> apply_limits(const ResourceLimits& limits) {
  TRY(set_limit(RLIMIT_NOFILE, limits.open_files));
  TRY(set_limit(RLIMIT_CORE, limits.core_size));
  TRY(set_limit(RLIMIT_FSIZE, limits.file_size));
  return {};
}

void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace podpilot::sandbox
