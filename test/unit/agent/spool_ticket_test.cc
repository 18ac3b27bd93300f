// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/ticket.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "test/catch.h"

using namespace podpilot::agent::spool;

namespace {

constexpr const char* kId = "20260721T221530123456Z-9f3ab2c1";

Ticket ticket(std::int64_t priority, std::string job) {
  return {.priority = priority, .job = std::move(job)};
}

}  // namespace

TEST_CASE("a ticket's name says everything about it", "[spool][ticket]") {
  const Ticket all{-5, kId, 3, 1, 2, 0xdeadbeef};
  CHECK(all.name() == "80000005-20260721T221530123456Z-9f3ab2c1.a3.r1.s2.00000000deadbeef");
  CHECK(Ticket::parse(all.name()) == all);
  CHECK(all.attempt_name() == "3.00000000deadbeef");
}

TEST_CASE("tickets sort by priority and then by age", "[spool][ticket]") {
  const std::string older = "20260721T221530123456Z-9f3ab2c1";
  const std::string newer = "20260721T221530123457Z-00000000";
  std::vector<std::string> names = {ticket(0, newer).name(), ticket(-1, older).name(),
                                    ticket(0, older).name(), ticket(kMaxPriority, newer).name()};
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{ticket(kMaxPriority, newer).name(),
                                          ticket(0, older).name(), ticket(0, newer).name(),
                                          ticket(-1, older).name()});
}

TEST_CASE("a take raises the attempt and leaves the rest", "[spool][ticket]") {
  const Ticket before{7, kId, 3, 1, 2, 5};
  CHECK(before.taken_by(9) == Ticket{7, kId, 4, 1, 2, 9});
}

TEST_CASE("names that no ticket can have are refused", "[spool][ticket]") {
  const std::string good = Ticket{0, kId, 1, 0, 0, 1}.name();
  REQUIRE(Ticket::parse(good));
  const std::string name = GENERATE_COPY(
      std::string(), std::string("."), std::string("a"), good + "x", good + ".", good.substr(1),
      "F" + good.substr(1), "ffffffff" + good.substr(8), "00000000" + good.substr(8),
      std::string("80000000-../../../../../etc/passwdxxxxxx.a1.r0.s0.0000000000000001"),
      std::string("80000000-") + kId + ".a01.r0.s0.0000000000000001",
      std::string("80000000-") + kId + ".a-1.r0.s0.0000000000000001",
      std::string("80000000-") + kId + ".a9999999.r0.s0.0000000000000001",
      std::string("80000000-") + kId + ".a1.r0.0000000000000001",
      std::string("80000000-") + kId + ".a1.r0.s0.000000000000001G", std::string(".nfs0000001"));
  CAPTURE(name);
  CHECK_FALSE(Ticket::parse(name));
}

TEST_CASE("a job's id sorts by time and is safe as a name", "[spool][ticket]") {
  const auto time =
      std::chrono::system_clock::time_point(std::chrono::microseconds(1784672130123456));
  CHECK(new_job_id(time, 0x9f3ab2c1) == "20260721T221530123456Z-9f3ab2c1");
  CHECK(is_job_id(new_job_id(time, 0)));
  CHECK_FALSE(is_job_id("20260721T221530123456Z-9F3AB2C1"));
  CHECK_FALSE(is_job_id("../../../etc/passwd"));
  CHECK_FALSE(is_job_id(""));
}
