// SPDX-License-Identifier: Apache-2.0
// What the kernel charges to this pod and where it stops: the memory cgroup, v1 or v2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/mountinfo.h"

namespace podpilot::agent {

struct PodMemory {
  std::uint64_t limit = 0;
  std::uint64_t used = 0;  // bytes that cannot be reclaimed: all that is charged less page cache
};

enum class CgroupVersion { v1, v2 };

struct MemoryGroup {
  CgroupVersion version = CgroupVersion::v2;
  std::string folder;

  bool operator==(const MemoryGroup&) const = default;
};

// Pure: from the mounts and the text of /proc/self/cgroup, the folders of our own group
// and of those above it that can be seen, in this order. In a pod it is usually one.
std::vector<MemoryGroup> memory_groups(const std::vector<sandbox::Mount>& mounts,
                                       std::string_view cgroup);

// Pure: bytes of page cache in a memory.stat. Dirty pages count as cache, tmpfs does not.
std::uint64_t page_cache(std::string_view memory_stat, CgroupVersion version);

// The nearest group with a limit below the machine's memory; nothing where there is none.
std::optional<MemoryGroup> limited_memory_group();

// Three reads of small files; nothing where the group cannot be read.
std::optional<PodMemory> read_pod_memory(const MemoryGroup& group);

// Of the machine, as sysconf(3) tells.
std::uint64_t physical_memory();

}  // namespace podpilot::agent
