// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/policy.h"

#include "agent/scheduler/spool/sightings.h"
#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::spool;
using std::chrono::seconds;

namespace {

const Ticket kTicket{0, "20260721T221530123456Z-9f3ab2c1", 1, 0, 0, 42};

Outcome ended(int code, int signal = 0) {
  Outcome outcome;
  outcome.exit = ExitStatus{.code = code, .signal = signal};
  return outcome;
}

Outcome failed(Origin origin, Fault fault) {
  return failure(origin, Error{fault, "why"});
}

struct Row {
  const char* what;
  Outcome outcome;
  unsigned retries;
  State state;
  unsigned retried;
  unsigned strikes;
};

}  // namespace

TEST_CASE("what becomes of a job after an attempt", "[spool][policy]") {
  const std::vector<Row> rows = {
      {"success", ended(0), 3, State::done, 0, 0},
      {"non-zero without retries", ended(1), 0, State::done, 0, 0},
      {"non-zero with retries", ended(1), 2, State::queued, 1, 0},
      {"killed with retries", ended(0, 9), 2, State::queued, 1, 0},
      {"over time, no retries", failed(Origin::payload, Fault::transient), 0, State::done, 0, 0},
      {"over time, retries", failed(Origin::payload, Fault::transient), 1, State::queued, 1, 0},
      {"no such image", failed(Origin::image, Fault::not_found), 0, State::done, 0, 0},
      {"no registry", failed(Origin::network, Fault::transient), 0, State::queued, 0, 1},
      {"full cache", failed(Origin::site, Fault::exhausted), 5, State::queued, 0, 1},
      {"drained pod", failed(Origin::payload, Fault::internal), 0, State::queued, 0, 0},
      {"bad job", failed(Origin::scheduler, Fault::invalid), 5, State::done, 0, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const Next next = after_attempt(kTicket, row.retries, row.outcome);
    CHECK(next.state == row.state);
    CHECK(next.ticket.retried == row.retried);
    CHECK(next.ticket.strikes == row.strikes);
    CHECK(next.ticket.attempt_name() == kTicket.attempt_name());
  }
}

TEST_CASE("retries are used up", "[spool][policy]") {
  Ticket ticket = kTicket;
  ticket.retried = 2;
  CHECK(after_attempt(ticket, 2, ended(1)).state == State::done);
  CHECK(after_attempt(ticket, 3, ended(1)).state == State::queued);
}

TEST_CASE("the last strike is a failure that keeps its reason", "[spool][policy]") {
  Ticket ticket = kTicket;
  ticket.strikes = kMaxStrikes - 1;
  const Next next = after_attempt(ticket, 0, failed(Origin::network, Fault::transient));
  CHECK(next.state == State::done);
  CHECK(next.outcome.verdict == Verdict::failed);
  CHECK(next.outcome.slug == "registry-unavailable");
  CHECK(next.outcome.text == "why (gave up after 10 such attempts)");
}

TEST_CASE("a lapsed lease is a strike, and the last one ends the job", "[spool][policy]") {
  const Next next = after_lapse(kTicket, 7);
  CHECK(next.state == State::queued);
  CHECK(next.ticket.strikes == 1);
  CHECK(next.ticket.owner == kTicket.owner);
  Ticket ticket = kTicket;
  ticket.strikes = kMaxStrikes - 1;
  const Next last = after_lapse(ticket, 7);
  CHECK(last.state == State::done);
  CHECK(last.ticket.owner == 7);
  CHECK(last.ticket.attempt == 2);
  CHECK(last.outcome.slug == "pilot-lost");
}

TEST_CASE("a job that comes back waits, and longer for whom it failed", "[spool][policy]") {
  Ticket ticket = kTicket;
  CHECK(delay_before(Ticket{.job = kTicket.job}, 42) == seconds(0));
  CHECK(delay_before(ticket, 1) == seconds(1));
  CHECK(delay_before(ticket, 42) == seconds(2));
  ticket.strikes = 3;
  CHECK(delay_before(ticket, 1) == seconds(4));
  ticket.strikes = 9;
  CHECK(delay_before(ticket, 1) == seconds(30));
  CHECK(delay_before(ticket, 42) == seconds(60));
}

TEST_CASE("an observer counts only what it saw itself", "[spool][sightings]") {
  Sightings sightings{seconds(12)};
  const Clock::time_point t0{seconds(1000)};
  CHECK(sightings.observe("a", "1", t0) == seconds(0));
  CHECK(sightings.observe("a", "1", t0 + seconds(10)) == seconds(10));
  CHECK(sightings.observe("a", "1", t0 + seconds(20)) == seconds(20));
  SECTION("a change starts again") {
    CHECK(sightings.observe("a", "2", t0 + seconds(21)) == seconds(0));
  }
  SECTION("having been stopped starts again") {
    CHECK(sightings.observe("a", "1", t0 + seconds(33)) == seconds(0));
  }
  SECTION("what is gone is forgotten") {
    sightings.keep_only({"b"});
    CHECK(sightings.size() == 0);
    CHECK(sightings.observe("a", "1", t0 + seconds(21)) == seconds(0));
  }
}

TEST_CASE("which queued jobs a pilot takes", "[spool][policy]") {
  Offer offer;
  offer.total = {.cpus = 4, .memory = 4 << 20, .disk = 0};
  offer.free = {.cpus = 2, .memory = 4 << 20, .disk = 0};
  offer.tenancy = {.one = true, .submitter = "1000"};
  offer.unfit_images = {"docker://odd"};
  struct SuitsRow {
    const char* what;
    Request request;
    Suits suits;
  };
  const Resources small{.cpus = 1, .memory = 1 << 20, .disk = 0};
  const std::vector<SuitsRow> rows = {
      {"fits", {small, "1000", "a"}, Suits::now},
      {"not beside what runs", {{.cpus = 3, .memory = 0, .disk = 0}, "1000", "a"}, Suits::later},
      {"more than all", {{.cpus = 5, .memory = 0, .disk = 0}, "1000", "a"}, Suits::too_large},
      {"another's", {small, "1001", "a"}, Suits::others},
      {"another's, not even now",
       {{.cpus = 3, .memory = 0, .disk = 0}, "1001", "a"},
       Suits::others},
      {"another's, which no such pod can have",
       {{.cpus = 5, .memory = 0, .disk = 0}, "1001", "a"},
       Suits::too_large},
      {"an image that cannot be shown", {small, "1000", "docker://odd"}, Suits::unfit_image},
      {"the same of another's", {small, "1001", "docker://odd"}, Suits::unfit_image},
      {"cannot be read", {{.cpus = 1, .memory = 0, .disk = 0}, "", ""}, Suits::now},
  };
  for (const SuitsRow& row : rows) {
    CAPTURE(row.what);
    CHECK(suits(row.request, offer) == row.suits);
  }
  offer.tenancy = {};
  CHECK(suits({small, "1001", "a"}, offer) == Suits::now);
}
