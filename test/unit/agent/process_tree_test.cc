// SPDX-License-Identifier: Apache-2.0
#include "agent/job/process_tree.h"

#include <unistd.h>

#include <algorithm>

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace std::chrono_literals;

TEST_CASE("CPU times are read behind a process' name", "[agent][process_tree]") {
  const std::string rest = " S 41 41 41 0 -1 4194304 95 0 0 0 100 50 30 20 20 0 3 0 1234 8192 17\n";
  for (const char* name : {"42 (sh)", "42 (a) b)", "42 (1 2 (3) S 9 9)"})
    CHECK(parse_cpu_times(name + rest, 100) == CpuTimes{.own = 1500ms, .reaped = 500ms});
  for (const char* text : {"", "42 (sh", "42 (sh) S 1 2 3"})
    CHECK(parse_cpu_times(text, 100) == CpuTimes{});
}

TEST_CASE("memory is read in bytes, without mapped files", "[agent][process_tree]") {
  CHECK(parse_status("Name:\tPPid:\nPPid:\t41\nVmRSS:\t    9000 kB\nRssAnon:\t    1000 kB\n"
                     "RssFile:\t    5000 kB\nRssShmem:\t    3000 kB\nThreads:\t3\n") ==
        ProcessStatus{41, 3, {1000 * 1024, 3000 * 1024}});
  CHECK(parse_status("Name:\tzombie\nPPid:\t41\nThreads:\t1\n") == ProcessStatus{41, 1, {}});
  CHECK_FALSE(parse_status(""));
  CHECK(parse_rollup("0-1 ---p 00000000 00:00 0    [rollup]\nRss:   900 kB\nPss_Anon:   100 kB\n"
                     "Pss_File:   200 kB\nPss_Shmem:    50 kB\n") ==
        ProcessMemory{100 * 1024, 50 * 1024});
}

TEST_CASE("a tree holds all descendants, and nobody else's", "[agent][process_tree]") {
  const ProcessTable table = {
      {1, {0, 9, {9, 9}}},    {10, {1, 1, {9, 9}}},  // the sandbox's first
      {11, {10, 2, {1, 10}}}, {12, {11, 3, {2, 20}}}, {13, {10, 1, {4, 40}}},  // an orphan
      {20, {1, 1, {9, 9}}},                                                    // another job's
      {21, {20, 1, {9, 9}}},
  };
  ProcessTree tree = tree_of(table, 10);
  std::sort(tree.processes.begin(), tree.processes.end());
  CHECK(tree.processes == std::vector<pid_t>{11, 12, 13});
  CHECK(tree.threads == 6);
  CHECK(tree.resident == ProcessMemory{7, 70});
  CHECK(tree_of(table, 99).processes.empty());
}

TEST_CASE("a table that contradicts itself ends", "[agent][process_tree]") {
  CHECK(tree_of({{5, {6, 1, {}}}, {6, {5, 1, {}}}}, 5).processes.size() == 2);
}

TEST_CASE("our own process is in the table, with what it has", "[agent][process_tree]") {
  const Result<ProcessTable> table = read_processes();
  REQUIRE(table);
  REQUIRE(table->contains(::getpid()));
  CHECK(table->at(::getpid()).parent == ::getppid());
  std::vector<char> memory(64 << 20, 1);
  const ProcessMemory part = proportional({::getpid()});
  const ProcessMemory whole = read_processes()->at(::getpid()).resident;
  CHECK(memory.back() == 1);
  CHECK(whole.anonymous >= memory.size());
  CHECK(part.anonymous >= memory.size());
  CHECK(part.anonymous <= whole.anonymous + (2 << 20));  // each CPU counts by itself for a while
}
