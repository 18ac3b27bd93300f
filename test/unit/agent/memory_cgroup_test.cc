// SPDX-License-Identifier: Apache-2.0
#include "agent/memory_cgroup.h"

#include "test/catch.h"

using namespace podpilot::agent;

TEST_CASE("our memory cgroup is found in every kind of pod", "[agent][memory_cgroup]") {
  constexpr const char* kV1 =
      "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n";
  constexpr const char* kV2 = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n";
  constexpr auto v1 = CgroupVersion::v1;
  constexpr auto v2 = CgroupVersion::v2;
  using Groups = std::vector<MemoryGroup>;
  struct Row {
    const char* what;
    std::string mountinfo;
    std::string cgroup;
    Groups groups;
  };
  const Row rows[] = {
      {"v2, a namespace of its own", kV2, "0::/\n", {{v2, "/sys/fs/cgroup"}}},
      {"v2, the host's",
       kV2,
       "0::/a/b\n",
       {{v2, "/sys/fs/cgroup/a/b"}, {v2, "/sys/fs/cgroup/a"}, {v2, "/sys/fs/cgroup"}}},
      {"v2, outside of what is mounted", kV2, "0::/../other\n", {{v2, "/sys/fs/cgroup"}}},
      {"v1, a part of the host's is mounted",
       "35 31 0:32 /kubepods/pod1/c1 /sys/fs/cgroup/memory ro master:7 - cgroup cgroup rw,memory\n",
       "4:memory:/kubepods/pod1/c1\n0::/x\n",
       {{v1, "/sys/fs/cgroup/memory"}}},
      {"v1, below that part",
       "35 31 0:32 /kubepods /m ro - cgroup cgroup rw,memory\n",
       "4:memory:/kubepods/pod1\n",
       {{v1, "/m/pod1"}, {v1, "/m"}}},
      {"v1, a name that only begins the same",
       "35 31 0:32 /kube /m ro - cgroup cgroup rw,memory\n",
       "4:memory:/kubepods/pod1\n",
       {{v1, "/m"}}},
      {"both: v1 has the controller",
       std::string(kV1) + kV2,
       "7:cpu:/c\n4:memory:/a\n0::/b\n",
       {{v1, "/sys/fs/cgroup/memory/a"}, {v1, "/sys/fs/cgroup/memory"}}},
      {"controllers together",
       "35 31 0:32 / /m rw - cgroup cgroup rw,cpu,memory\n",
       "4:cpu,memory:/\n",
       {{v1, "/m"}}},
      {"none", "22 27 0:21 / /proc rw - proc proc rw\n", "0::/\n", {}},
      {"nothing readable", "", "", {}},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(memory_groups(podpilot::sandbox::parse_mountinfo(row.mountinfo), row.cgroup) ==
          row.groups);
  }
}

TEST_CASE("page cache is what files on disk have in memory", "[agent][memory_cgroup]") {
  CHECK(page_cache("anon 1\nfile 70\nshmem 9\ninactive_file 20\nactive_file 30\n",
                   CgroupVersion::v2) == 50);
  CHECK(page_cache("cache 70\ninactive_file 1\nactive_file 1\ntotal_cache 90\n"
                   "total_inactive_file 20\ntotal_active_file 30\n",
                   CgroupVersion::v1) == 50);
  CHECK(page_cache("", CgroupVersion::v2) == 0);
}
