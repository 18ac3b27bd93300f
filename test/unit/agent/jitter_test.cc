// SPDX-License-Identifier: Apache-2.0
#include "agent/jitter.h"

#include <algorithm>
#include <array>
#include <random>

#include "test/catch.h"

using namespace podpilot;
using agent::share_of;
using std::chrono::seconds;

TEST_CASE("pilots started together spread evenly over the first part of their life", "[jitter]") {
  constexpr int kPilots = 20'000;
  constexpr Clock::duration kMost = seconds(2);
  std::mt19937_64 random(1);
  std::array<int, 20> asked{};  // in each tenth of a second
  for (int i = 0; i < kPilots; ++i) {
    const Clock::duration at = share_of(kMost, random());
    REQUIRE(at >= Clock::duration::zero());
    REQUIRE(at < kMost);
    ++asked[static_cast<std::size_t>(at * 20 / kMost)];
  }
  // 1000 each, five standard deviations more or less.
  CHECK(*std::ranges::min_element(asked) > 840);
  CHECK(*std::ranges::max_element(asked) < 1160);
  CHECK(share_of({}, random()) == Clock::duration::zero());
  CHECK(share_of(-kMost, random()) == Clock::duration::zero());
}
