// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/deadline.h"

#include "test/catch.h"

using namespace podpilot;
using namespace std::chrono_literals;

TEST_CASE("a deadline that never comes waits for ever", "[base][deadline]") {
  CHECK(Deadline::never().poll_timeout() == -1);
  CHECK_FALSE(Deadline::never().passed());
}

TEST_CASE("a poll timeout is rounded up and never negative", "[base][deadline]") {
  const Clock::time_point now = Clock::now();
  CHECK(Deadline(now + 1us).poll_timeout(now) == 1);
  CHECK(Deadline(now + 1500us).poll_timeout(now) == 2);
  CHECK(Deadline(now).poll_timeout(now) == 0);
  CHECK(Deadline(now - 1h).poll_timeout(now) == 0);
  CHECK(Deadline(now + 24h * 365).poll_timeout(now) == INT_MAX);
  CHECK(Deadline(now).passed(now));
  CHECK_FALSE(Deadline(now + 1ns).passed(now));
}

TEST_CASE("the earlier of two deadlines counts", "[base][deadline]") {
  const Deadline soon(Clock::time_point(1s));
  const Deadline late(Clock::time_point(2s));
  CHECK(soon.earliest(late).at() == soon.at());
  CHECK(late.earliest(soon).at() == soon.at());
  CHECK(late.earliest(Deadline::never()).at() == late.at());
}

TEST_CASE("a duration too long for the clock is never, not the past", "[base][deadline]") {
  CHECK_FALSE(Deadline::after(Clock::duration::max()).passed());
  CHECK(Deadline::after(Clock::duration::max()).poll_timeout() == -1);
  CHECK(Deadline::after(-1s).passed());
}
