// SPDX-License-Identifier: Apache-2.0
#include "agent/job/registry_waits.h"

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace std::chrono_literals;

TEST_CASE("a registry's wait counts for later pulls", "[agent][pull]") {
  RegistryWaits waits;
  const Clock::time_point now{1000s};
  CHECK(waits.left("a", now) == 0s);
  waits.note("a", 10s, now);
  waits.note("a", 3s, now);
  CHECK(waits.left("a", now) == 10s);
  CHECK(waits.left("a", now + 4s) == 6s);
  CHECK(waits.left("b", now) == 0s);
  CHECK(waits.left("a", now + 10s) == 0s);
  waits.note("a", 5s, now + 20s);
  CHECK(waits.left("a", now + 20s) == 5s);
}
