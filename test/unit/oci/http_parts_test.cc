// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>
#include <utility>

#include "oci/http/headers.h"
#include "oci/http/secret.h"
#include "oci/http/stall.h"
#include "test/catch.h"

namespace podpilot::oci {
namespace {

using std::chrono::milliseconds;

TEST_CASE("header names compare without case, values are trimmed", "[oci][http]") {
  http::Headers headers;
  CHECK(headers.add_line("Content-Type:  text/html \r\n"));
  CHECK(headers.add_line("www-authenticate: Basic\r\n"));
  CHECK(headers.add_line("WWW-Authenticate: Bearer\r\n"));
  CHECK(headers.add_line("Empty:\r\n"));
  CHECK(headers.get("content-type") == "text/html");
  CHECK(headers.get("EMPTY").empty());
  CHECK(headers.get("absent").empty());
  CHECK(headers.all("Www-Authenticate").size() == 2);
}

TEST_CASE("lines that are no header, or too many, are refused", "[oci][http]") {
  http::Headers headers;
  CHECK_FALSE(headers.add_line("no colon\r\n"));
  CHECK_FALSE(headers.add_line(": no name\r\n"));
  CHECK_FALSE(headers.add_line("X: " + std::string(200'000, 'a')));
  http::Headers many;
  int taken = 0;
  while (taken < 10'000 && many.add_line("X: y")) ++taken;
  CHECK(taken == 200);
}

TEST_CASE("a secret is moved, not left behind", "[oci][http]") {
  Secret first(std::string("short"));
  const Secret second = std::move(first);
  CHECK(second.reveal() == "short");
  Secret third;
  CHECK(third.empty());
  third = second;
  CHECK(third.reveal() == "short");
  CHECK(second.reveal() == "short");
}

TEST_CASE("a window with too little in it is a stall", "[oci][http]") {
  const Clock::time_point start = Clock::now();
  const auto at = [&](int ms) { return start + milliseconds(ms); };
  http::StallWatch watch(1000, milliseconds(2000), start);
  CHECK_FALSE(watch.stalled(at(1999)));
  watch.received(2000);
  CHECK_FALSE(watch.stalled(at(2000)));  // enough; a new window begins
  watch.received(1999);
  CHECK_FALSE(watch.stalled(at(3999)));
  CHECK(watch.stalled(at(4000)));
}

TEST_CASE("time spent in the sink is no stall", "[oci][http]") {
  const Clock::time_point start = Clock::now();
  http::StallWatch watch(1000, milliseconds(1000), start);
  watch.pause(milliseconds(5000));
  CHECK_FALSE(watch.stalled(start + milliseconds(5999)));
  CHECK(watch.stalled(start + milliseconds(6000)));
}

TEST_CASE("with no rate asked for, silence is still a stall", "[oci][http]") {
  const Clock::time_point start = Clock::now();
  http::StallWatch watch(0, milliseconds(1000), start);
  CHECK(watch.stalled(start + milliseconds(1000)));
}

}  // namespace
}  // namespace podpilot::oci
