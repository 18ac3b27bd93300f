// SPDX-License-Identifier: Apache-2.0
#include "agent/memory_cgroup.h"

#include <unistd.h>

#include <algorithm>

#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {

using sandbox::Mount;

namespace {

constexpr std::size_t kMaxText = 64 << 10;

bool has_word(std::string_view list, std::string_view word) {
  const auto words = split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::optional<Mount> find_mount(const std::vector<Mount>& mounts, CgroupVersion version) {
  std::optional<Mount> found;
  for (const Mount& mount : mounts) {
    const bool right = version == CgroupVersion::v1
                           ? mount.type == "cgroup" && has_word(mount.super_options, "memory")
                           : mount.type == "cgroup2";
    if (right) found = mount;  // the last is on top
  }
  return found;
}

// cgroups(7): "4:memory:/path" in v1, "0::/path" in v2.
std::optional<std::string> find_path(std::string_view cgroup, CgroupVersion version) {
  for (const std::string_view line : split(cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool right =
        version == CgroupVersion::v1 ? has_word(controllers, "memory") : controllers.empty();
    if (right) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

// Without a cgroup namespace the path is the host's, of which the mount shows the lower part. A
// path outside of what is mounted is shown with "/.." and cannot be followed: the mount's own
// folder is then the best that can be seen.
std::string below_mount(const Mount& mount, std::string path) {
  if (mount.root != "/") {
    const bool inside = path == mount.root || path.starts_with(mount.root + "/");
    path = inside ? path.substr(mount.root.size()) : "";
  }
  return path == "/" || path.find("/..") != std::string::npos ? "" : path;
}

std::string read_text(const std::string& path) {
  return read_file(path, kMaxText).value_or("");
}

std::optional<std::uint64_t> read_number(const std::string& path) {
  const std::string text = read_text(path);
  return parse_number(std::string_view(text).substr(0, text.find('\n')));
}

const char* limit_file(CgroupVersion version) {
  return version == CgroupVersion::v1 ? "/memory.limit_in_bytes" : "/memory.max";
}

const char* usage_file(CgroupVersion version) {
  return version == CgroupVersion::v1 ? "/memory.usage_in_bytes" : "/memory.current";
}

}  // namespace

std::vector<MemoryGroup> memory_groups(const std::vector<Mount>& mounts, std::string_view cgroup) {
  std::vector<MemoryGroup> groups;
  // On a host with both, the memory controller is in v1 where v1 has it.
  for (const CgroupVersion version : {CgroupVersion::v1, CgroupVersion::v2}) {
    const std::optional<Mount> mount = find_mount(mounts, version);
    const std::optional<std::string> path = find_path(cgroup, version);
    if (!mount || !path) continue;
    std::string below = below_mount(*mount, *path);
    for (; !below.empty(); below.resize(below.rfind('/')))
      groups.push_back({version, mount->point + below});
    groups.push_back({version, mount->point});
    break;
  }
  return groups;
}

std::uint64_t page_cache(std::string_view memory_stat, CgroupVersion version) {
  // In v1 the keys without total_ leave the groups below out.
  const std::string_view prefix = version == CgroupVersion::v1 ? "total_" : "";
  std::uint64_t sum = 0;
  for (const std::string_view line : split(memory_stat, '\n')) {
    if (!line.starts_with(prefix)) continue;
    const std::string_view rest = line.substr(prefix.size());
    for (const std::string_view key : {"inactive_file ", "active_file "})
      if (rest.starts_with(key)) sum += parse_number(rest.substr(key.size())).value_or(0);
  }
  return sum;
}

std::optional<MemoryGroup> limited_memory_group() {
  const Result<std::vector<Mount>> mounts = sandbox::read_mountinfo();
  if (!mounts) return std::nullopt;
  for (const MemoryGroup& group : memory_groups(*mounts, read_text("/proc/self/cgroup"))) {
    const auto limit = read_number(group.folder + limit_file(group.version));
    if (limit && *limit < physical_memory()) return group;  // v1's "none" is a huge number
  }
  return std::nullopt;
}

std::optional<PodMemory> read_pod_memory(const MemoryGroup& group) {
  const auto limit = read_number(group.folder + limit_file(group.version));
  const auto used = read_number(group.folder + usage_file(group.version));
  if (!limit || !used) return std::nullopt;
  const std::uint64_t cache = page_cache(read_text(group.folder + "/memory.stat"), group.version);
  return PodMemory{*limit, *used - std::min(*used, cache)};
}

std::uint64_t physical_memory() {
  return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace podpilot::agent
