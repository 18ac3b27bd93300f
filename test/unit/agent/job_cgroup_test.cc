// SPDX-License-Identifier: Apache-2.0
#include "agent/job/job_cgroup.h"

#include "agent/job/watchdog_policy.h"
#include "test/catch.h"
#include "test/support/temp_dir.h"

using namespace podpilot::agent;
using podpilot::test::TempDir;

TEST_CASE("values of a flat keyed file", "[agent][cgroup]") {
  constexpr const char* kStat = "anon 4096\nanon_thp 7\nshmem 12\nlast 3";
  CHECK(keyed_value(kStat, "anon") == 4096);
  CHECK(keyed_value(kStat, "shmem") == 12);
  CHECK(keyed_value(kStat, "last") == 3);
  for (const char* none : {"file", "shme", "ano", "anon_", ""}) {
    CAPTURE(none);
    CHECK(keyed_value(kStat, none) == 0);
  }
  CHECK(keyed_value("", "anon") == 0);
  CHECK(keyed_value("anon x\n", "anon") == 0);
}

TEST_CASE("a share of the CPUs stays in what the kernel takes", "[agent][cgroup]") {
  CHECK(cpu_weight(0) == 100);
  CHECK(cpu_weight(1) == 100);
  CHECK(cpu_weight(4) == 400);
  CHECK(cpu_weight(100) == 10'000);
  CHECK(cpu_weight(1'000'000) == 10'000);
}

TEST_CASE("a group's figures", "[agent][cgroup]") {
  const TempDir folder;
  folder.write("memory.stat", "anon 1000\nfile 500000\nshmem 234\n");
  folder.write("pids.current", "4\n");
  folder.write("cpu.stat", "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\n");
  const CgroupFigures figures = read_cgroup(folder.fd());
  CHECK(figures.memory == 1234);
  CHECK(figures.processes == 3);
  CHECK(figures.user == std::chrono::microseconds(3000));
  CHECK(figures.system == std::chrono::microseconds(2000));

  const TempDir empty;
  CHECK(read_cgroup(empty.fd()).memory == 0);
  CHECK(read_cgroup(empty.fd()).processes == 0);
}

TEST_CASE("the kernel's verdict in words", "[agent][cgroup]") {
  CHECK(describe_out_of_memory({.memory = 2'000'000}) ==
        "used all of its limit of 2.0 MB of memory");
  CHECK(describe_out_of_memory({}) == "the kernel had no memory left for it");
}
