// SPDX-License-Identifier: Apache-2.0
#include "agent/job/scratch.h"

#include <atomic>
#include <thread>
#include <vector>

#include "test/catch.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::agent;

// Whoever ends sweeps what is dead, and a folder that was just made looks dead for a moment.
TEST_CASE("pilots that begin and end together keep their scratch folders", "[scratch]") {
  const test::TempDir dir(test::in_memory());
  std::atomic<int> lost = 0;
  const auto begin_and_end = [&] {
    for (int i = 0; i < 1500; ++i) {
      Poller poller;
      Result<std::unique_ptr<Scratch>> scratch =
          Scratch::open(poller, dir.path(), Removal::at_once);
      if (scratch && !(*scratch)->make_job()) ++lost;
    }
  };
  std::vector<std::jthread> pilots;
  for (int i = 0; i < 4; ++i) pilots.emplace_back(begin_and_end);
  pilots.clear();
  CHECK(lost == 0);
}
