// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/poller.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <string>

#include "sandbox/base/io.h"
#include "test/catch.h"

using namespace podpilot;
using namespace std::chrono_literals;

namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  UniqueFd out;
  UniqueFd in;
};

}  // namespace

TEST_CASE("timers go off in the order of their times, not of their making", "[base][poller]") {
  Poller poller;
  std::string order;
  const auto now = Clock::now();
  auto c = poller.at(now - 1ms, [&] { order += 'c'; });
  auto a = poller.at(now - 3ms, [&] { order += 'a'; });
  auto b = poller.at(now - 2ms, [&] { order += 'b'; });
  REQUIRE(poller.turn());
  CHECK(order == "abc");
  REQUIRE(poller.turn(Deadline::after(0s)));
  CHECK(order == "abc");  // once each
}

TEST_CASE("a turn ends at its deadline and a timer is not early", "[base][poller]") {
  Poller poller;
  bool fired = false;
  const auto start = Clock::now();
  auto timer = poller.after(20ms, [&] { fired = true; });
  REQUIRE(poller.turn(Deadline::after(1ms)));
  CHECK_FALSE(fired);
  while (!fired) REQUIRE(poller.turn());
  CHECK(Clock::now() - start >= 20ms);
}

TEST_CASE("a dropped timer does not go off, not even in the turn that drops it", "[base][poller]") {
  Poller poller;
  int fired = 0;
  Poller::Handle second;
  auto first = poller.at(Clock::now() - 2ms, [&] {
    ++fired;
    second.reset();
  });
  second = poller.at(Clock::now() - 1ms, [&] { ++fired; });
  REQUIRE(poller.turn());
  CHECK(fired == 1);
}

TEST_CASE("a timer that sets itself again does not starve descriptors", "[base][poller]") {
  Poller poller;
  Pipe pipe;
  REQUIRE(write_all(pipe.in, "x"));
  int seen = 0;
  int ticks = 0;
  Poller::Handle tick;
  std::function<void()> again = [&] {
    ++ticks;
    tick = poller.after(0s, again);
  };
  again();
  auto watch = poller.watch(pipe.out, POLLIN, [&](short) { ++seen; });
  for (int i = 0; i < 3; ++i) REQUIRE(poller.turn());
  CHECK(seen == 3);
  CHECK(ticks <= 4);
}

TEST_CASE("a watch may drop itself and others from within its callback", "[base][poller]") {
  Poller poller;
  Pipe a;
  Pipe b;
  a.in.reset();
  b.in.reset();
  int calls = 0;
  Poller::Handle first;
  Poller::Handle second;
  first = poller.watch(a.out, POLLIN, [&](short events) {
    CHECK((events & POLLHUP) != 0);
    ++calls;
    second.reset();
    first.reset();
  });
  second = poller.watch(b.out, POLLIN, [&](short) { ++calls; });
  REQUIRE(poller.turn());
  REQUIRE(poller.turn(Deadline::after(0s)));
  CHECK(calls == 1);
}

TEST_CASE("a watch put in the place of a dropped one does not get its event", "[base][poller]") {
  Poller poller;
  Pipe a;
  Pipe b;
  a.in.reset();
  b.in.reset();
  int stale = 0;
  Poller::Handle second;
  auto first = poller.watch(
      a.out, POLLIN, [&](short) { second = poller.watch(b.out, POLLIN, [&](short) { ++stale; }); });
  second = poller.watch(b.out, POLLIN, [&](short) { ++stale; });
  REQUIRE(poller.turn());
  CHECK(stale == 0);
}

TEST_CASE("run goes on until it is stopped", "[base][poller]") {
  Poller poller;
  int turns = 0;
  Poller::Handle timer;
  std::function<void()> again = [&] {
    if (++turns == 3)
      poller.stop();
    else
      timer = poller.after(0s, again);
  };
  timer = poller.after(0s, again);
  REQUIRE(poller.run());
  CHECK(turns == 3);
}

TEST_CASE("blocked signals are read one by one", "[base][poller]") {
  const auto signals = SignalFd::create({SIGUSR1, SIGUSR2}).value();
  CHECK(signals.next() == 0);
  ::raise(SIGUSR1);
  ::raise(SIGUSR1);  // coalesces
  ::raise(SIGUSR2);
  CHECK(signals.next() == SIGUSR1);
  CHECK(signals.next() == SIGUSR2);
  CHECK(signals.next() == 0);
  CHECK((::fcntl(signals.fd().get(), F_GETFD) & FD_CLOEXEC) != 0);
}
