// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/report.h"

#include "agent/scheduler/htcondor/slot/patience.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::htcondor;
using namespace std::chrono_literals;

namespace {

Outcome ended(int code, int signal = 0) {
  Outcome outcome;
  outcome.verdict = Verdict::done;
  outcome.exit = ExitStatus{.code = code, .signal = signal};
  return outcome;
}

}  // namespace

TEST_CASE("a payload's own end is told as wait(2) has it") {
  CHECK(std::get<Exited>(end_of(ended(0))).wait_status == 0);
  CHECK(std::get<Exited>(end_of(ended(3))).wait_status == 0x300);
  CHECK(std::get<Exited>(end_of(ended(0, 9))).wait_status == 9);
}

TEST_CASE("what the job's owner must mend is a hold, with codes that policies test") {
  struct Case {
    Origin origin;
    Fault fault;
    int code, subcode;
  };
  const Case cases[] = {
      {Origin::payload, Fault::not_found, 6, 2},    {Origin::payload, Fault::denied, 6, 13},
      {Origin::payload, Fault::exhausted, 34, 102}, {Origin::payload, Fault::corrupt, 12, 2},
      {Origin::scheduler, Fault::not_found, 13, 2}, {Origin::image, Fault::not_found, 35, 2},
      {Origin::image, Fault::denied, 35, 13},
  };
  for (const Case& c : cases) {
    const JobEnd end = end_of(failure(c.origin, {c.fault, "the registry's own words"}));
    INFO(static_cast<int>(c.origin) << " " << static_cast<int>(c.fault));
    REQUIRE(std::holds_alternative<Reason>(end));
    CHECK(static_cast<int>(std::get<Reason>(end).code) == c.code);
    CHECK(std::get<Reason>(end).subcode == c.subcode);
    CHECK(std::get<Reason>(end).text.find("the registry's own words") == 0);
  }
  const JobEnd disk = end_of(failure(Excess::disk, "used 2 GiB of disk, with a limit of 1 GiB"));
  CHECK(static_cast<int>(std::get<Reason>(disk).code) == 34);
  CHECK(std::get<Reason>(disk).subcode == 104);
}

TEST_CASE("what is no fault of the job's sends it back to the queue") {
  for (const Origin origin : {Origin::site, Origin::network, Origin::pilot})
    for (const Fault fault : {Fault::transient, Fault::exhausted, Fault::unsupported})
      CHECK(std::holds_alternative<Requeued>(end_of(failure(origin, {fault, "down"}))));
  CHECK(std::holds_alternative<Requeued>(
      end_of(failure(Origin::payload, {Fault::internal, "stopped"}))));
}

TEST_CASE("usage in HTCondor's units") {
  Usage usage;
  usage.user = 1500ms;
  usage.system = 250ms;
  usage.max_rss = 3000;
  usage.peak_memory = 1 << 20;
  usage.disk = 1025;
  const Consumption used = consumption_of(usage);
  CHECK(used.user_cpu == 1.5);
  CHECK(used.system_cpu == 0.25);
  CHECK(used.largest == 3);
  CHECK(used.memory == 1024);
  CHECK(used.disk == 2);
}

TEST_CASE("after failures a pilot waits longer each time, and gives up at the third") {
  const Clock::time_point start = Clock::now();
  Patience patience;
  CHECK(patience.accepting(start));
  CHECK(patience.failed(start, start));
  CHECK_FALSE(patience.accepting(start + 29s));
  CHECK(patience.accepting(start + 30s));
  CHECK(patience.failed(start + 30s, start + 30s));
  CHECK_FALSE(patience.accepting(start + 89s));
  CHECK(patience.accepting(start + 90s));
  CHECK_FALSE(patience.exhausted());
  CHECK(patience.failed(start + 90s, start + 90s));
  CHECK(patience.exhausted());
  patience.succeeded(start + 300s);
  CHECK_FALSE(patience.exhausted());
  CHECK(patience.accepting(start));
}

TEST_CASE("jobs that were taken before the last failure's pause was over tell nothing new") {
  const Clock::time_point start{};
  Patience patience;
  CHECK(patience.failed(start, start + 1s));
  CHECK_FALSE(patience.failed(start, start + 1s));        // the other slot's
  CHECK_FALSE(patience.failed(start + 2s, start + 40s));  // of a claim that went on
  CHECK(patience.accepting(start + 40s));
  patience.succeeded(start);
  CHECK(patience.failed(start + 31s, start + 31s));
  CHECK(patience.until() == start + 91s);
}
