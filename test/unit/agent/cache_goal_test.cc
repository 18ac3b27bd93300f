// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/cache_goal.h"

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;

namespace {

Result<oci::GcGoal> goal_of(const char* command, std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  const Result<Options> options = Options::parse(*find_command(command), pointers);
  REQUIRE(options);
  const std::string prefix = command == std::string("pilot") ? "cache-" : "";
  return cache_goal(*options, prefix + "size", prefix + "free");
}

}  // namespace

TEST_CASE("limits of the cache", "[agent][options]") {
  constexpr std::uint64_t kAny = UINT64_MAX;
  struct Row {
    const char* command;
    std::vector<std::string> words;
    std::uint64_t keep, free;
    unsigned percent;
  };
  const Row rows[] = {
      {"pilot", {}, kAny, 0, 15},
      {"pilot", {"--cache-free", "0"}, kAny, 0, 0},
      {"pilot", {"--cache-free", "20GiB", "--cache-size", "5GB"}, 5'000'000'000, 20ULL << 30, 0},
      {"cache", {"gc"}, kAny, 0, 0},
      {"cache", {"gc", "--size", "0"}, 0, 0, 0},
      {"cache", {"gc", "--free", "100%"}, kAny, 0, 100},
  };
  for (const Row& row : rows) {
    const Result<oci::GcGoal> goal = goal_of(row.command, row.words);
    REQUIRE(goal);
    CHECK(goal->keep_bytes == row.keep);
    CHECK(goal->free_bytes == row.free);
    CHECK(goal->free_percent == row.percent);
    CHECK_FALSE(goal->spare);
  }
  for (const char* wrong : {"101%", "%", "-1%", "1.5%", " 5%", "5 %", "much", ""}) {
    INFO(wrong);
    const Result<oci::GcGoal> goal = goal_of("cache", {"gc", "--free", wrong});
    REQUIRE_FALSE(goal);
    CHECK(goal.error().fault == Fault::invalid);
    CHECK(goal.error().text.starts_with("--free \""));
  }
  CHECK_FALSE(goal_of("pilot", {"--cache-size", "50%"}));
}
