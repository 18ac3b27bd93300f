// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/retry.h"

#include <chrono>
#include <thread>

#include "test/catch.h"

namespace podpilot::oci {
namespace {

using http::Failure;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::time_t kNow = 1'445'412'480;  // Wed, 21 Oct 2015 07:28:00 GMT
const RetryPolicy kPolicy{5, milliseconds(1000), milliseconds(3000), milliseconds(60'000)};

TEST_CASE("what may pass is tried again, what will not is not", "[oci][registry]") {
  for (const int status : {408, 429, 500, 502, 503, 504, 599})
    CHECK(retry_wait(kPolicy, {1, Failure::none, status}, kNow, 0));
  for (const int status : {200, 206, 301, 400, 401, 403, 404, 416, 501, 505, 600, 0})
    CHECK_FALSE(retry_wait(kPolicy, {1, Failure::none, status}, kNow, 0));
  for (const Failure failure :
       {Failure::name, Failure::connect, Failure::tls, Failure::timeout, Failure::cut})
    CHECK(retry_wait(kPolicy, {1, failure, 0}, kNow, 0));
  for (const Failure failure :
       {Failure::certificate, Failure::forbidden, Failure::sink, Failure::cancelled})
    CHECK_FALSE(retry_wait(kPolicy, {1, failure, 503}, kNow, 0));
}

TEST_CASE("waits double up to a limit, attempts end", "[oci][registry]") {
  const auto wait = [](int number, double random) {
    return retry_wait(kPolicy, {number, Failure::cut, 0}, kNow, random);
  };
  CHECK(wait(1, 0) == milliseconds(500));
  CHECK(wait(1, 0.5) == milliseconds(750));
  CHECK(wait(2, 0) == milliseconds(1000));
  CHECK(wait(3, 0) == milliseconds(1500));  // 4 s, but at most 3 s
  CHECK(wait(4, 0.999) < milliseconds(3000));
  CHECK_FALSE(wait(5, 0));
  RetryPolicy endless = kPolicy;
  endless.attempts = 1'000'000;
  CHECK(retry_wait(endless, {999'999, Failure::cut, 0}, kNow, 0) == milliseconds(1500));
}

TEST_CASE("Retry-After is obeyed within reason", "[oci][registry]") {
  const auto wait = [](std::string_view value) {
    return retry_wait(kPolicy, {1, Failure::none, 429, value}, kNow, 0);
  };
  CHECK(wait("7") == seconds(7));
  CHECK(wait("0") == milliseconds(500));  // our own wait is the least
  CHECK(wait("100000") == seconds(60));
  CHECK(wait("Wed, 21 Oct 2015 07:28:09 GMT") == seconds(9));
  CHECK(wait("Wed, 21 Oct 2015 07:27:00 GMT") == milliseconds(500));
  for (const char* junk : {"", "-1", "soon", "1.5", "99999999999999999999999"})
    CHECK(wait(junk) == milliseconds(500));
}

TEST_CASE("a wait ends at once when it is called off", "[oci][registry]") {
  bool slept = true;
  const auto start = Clock::now();
  std::jthread sleeper([&slept](const std::stop_token& stop) {
    slept = sleep_for(seconds(20), Deadline::never(), stop);
  });
  std::this_thread::sleep_for(milliseconds(20));
  sleeper.request_stop();
  sleeper.join();
  CHECK_FALSE(slept);
  CHECK(Clock::now() - start < seconds(5));
}

TEST_CASE("a wait beyond the deadline is not begun", "[oci][registry]") {
  const auto start = Clock::now();
  CHECK_FALSE(sleep_for(seconds(20), Deadline::after(seconds(1)), {}));
  CHECK(Clock::now() - start < seconds(1));
  CHECK(sleep_for(milliseconds(1), Deadline::never(), {}));
}

}  // namespace
}  // namespace podpilot::oci
