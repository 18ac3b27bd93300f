// SPDX-License-Identifier: Apache-2.0
#include "sandbox/idmap.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"

namespace podpilot::sandbox {
namespace {

Result<void> write_proc(const char* path, const std::string& line) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (!fd) return sys_error(fmt::format("open {}", path));
  return write_all(fd, line).within(path);  // the kernel takes a map in one write only
}

}  // namespace

Result<void> map_single_id(const Identity& inner, uid_t outer_uid, gid_t outer_gid) {
  TRY(write_proc("/proc/self/uid_map", fmt::format("{} {} 1\n", inner.uid, outer_uid)));
  TRY(write_proc("/proc/self/setgroups", "deny"));
  return write_proc("/proc/self/gid_map", fmt::format("{} {} 1\n", inner.gid, outer_gid));
}

}  // namespace podpilot::sandbox
