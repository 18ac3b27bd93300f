// SPDX-License-Identifier: Apache-2.0
// Each state that a crash can leave, and pilots that race or are killed.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>
#include <set>
#include <thread>

#include "sandbox/base/path.h"
#include "test/support/spool_fixture.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::spool;

// FORMAT.md's crash table, row by row: what is there when a pilot or a command dies between two
// steps, and what becomes of it.
TEST_CASE("no crash loses or doubles a job", "[spool][protocol]") {
  Spool spool;
  SECTION("submit: before the rename into jobs/") {
    spool.dir.write("spool/v1/tmp/20260721T221530123456Z-9f3ab2c1/job.json", "{}");
    CHECK(*spool.folder.drained());
    CHECK_FALSE(spool.a.take());
    CHECK(list_jobs(spool.folder, {})->empty());
  }
  SECTION("submit: before the ticket") {
    spool.dir.write(spool.job_path("20260721T221530123456Z-9f3ab2c1", "ticket"), "");
    CHECK(*spool.folder.drained());
    CHECK(list_jobs(spool.folder, {})->empty());
    CHECK(purge(spool.folder, seconds(0))->leftovers == 0);  // it may only be slow
  }
  SECTION("take: the ticket moved, no attempt's folder yet") {
    const std::string id = spool.submit();
    const Ticket ticket = spool.folder.list(State::queued)->front();
    REQUIRE(*spool.folder.move(State::queued, ticket, State::running, ticket.taken_by(0xdead)));
    CHECK(spool.state(id) == "running");
    CHECK_FALSE(*spool.folder.drained());
    spool.b.watch(kStart, seconds(20));
    CHECK_FALSE(spool.b.take(kStart + seconds(20)));
    CHECK(spool.b.take(kStart + seconds(22))->ticket.attempt == 2);
  }
  SECTION("run: a lease that is not renewed, a half-written lease beside it") {
    const std::string id = spool.submit();
    const auto taken = spool.a.take();
    const std::string attempt = "attempts/" + taken->ticket.attempt_name();
    spool.dir.write(spool.job_path(id, attempt + "/.lease.1.0.tmp"), "{");
    spool.b.watch(kStart, seconds(20));
    CHECK(spool.count(State::queued) == 1);
  }
  SECTION("publish: the result is there, the ticket did not move") {
    const std::string id = spool.submit();
    const auto taken = spool.a.take();
    const std::string attempt = "attempts/" + taken->ticket.attempt_name();
    spool.dir.write(spool.job_path(id, attempt + "/result.json"), R"({"exit_code": 9})");
    CHECK(spool.state(id) == "running");
    spool.b.watch(kStart, seconds(20));
    CHECK_FALSE(spool.b.take(kStart + seconds(20)));
    const auto again = spool.b.take(kStart + seconds(22));
    REQUIRE(again);
    CHECK(spool.b.publish(*again) == Published::done);
    CHECK(spool.show(id)["exit_code"] == 0);
  }
  SECTION("publish: the ticket moved, the answer was lost") {
    const std::string id = spool.submit();
    const auto taken = spool.a.take();
    CHECK(spool.a.publish(*taken, 4) == Published::done);
    CHECK(spool.a.publish(*taken, 4) == Published::done);
    CHECK(spool.show(id)["exit_code"] == 4);
    CHECK(spool.count(State::done) == 1);
  }
  SECTION("publish: the claim is released while the result is being written") {
    const std::string id = spool.submit();
    const auto taken = spool.a.take();
    CHECK(spool.a.publish(*taken, 4) == Published::done);
    CHECK_FALSE(*give_back(spool.folder, taken->ticket));
    CHECK(spool.show(id)["exit_code"] == 4);
  }
  SECTION("cancel: the result is there, the ticket did not move") {
    const std::string id = spool.submit();
    spool.dir.write(spool.job_path(id, "cancel"), "");
    spool.dir.write(spool.job_path(id, "attempts/1.00000000000000ff/result.json"), "{}");
    CHECK(spool.state(id) == "queued");
    CHECK(spool.a.take()->cancelled);
  }
  SECTION("purge: the ticket is in the job's folder") {
    const std::string id = spool.submit();
    CHECK(spool.a.publish(*spool.a.take()) == Published::done);
    const std::string ticket = spool.folder.list(State::done)->front().name();
    REQUIRE(::rename((spool.dir / ("spool/v1/done/" + ticket)).c_str(),
                     (spool.dir / spool.job_path(id, "purged")).c_str()) == 0);
    CHECK(list_jobs(spool.folder, {})->empty());
    CHECK(purge(spool.folder, seconds(0))->leftovers == 1);
    CHECK_FALSE(spool.dir.has("spool/v1/jobs/" + id));
  }
  SECTION("somebody removed a job's folder by hand") {
    const std::string id = spool.submit();
    REQUIRE(remove_tree(*spool.folder.part("jobs"), id));
    CHECK_FALSE(spool.a.take());
    CHECK(*spool.folder.drained());
    CHECK(spool.state(id) == "failed");
    CHECK(spool.show(id)["slug"] == "result-missing");
  }
}

TEST_CASE("two hundred jobs, six pilots, each job once", "[spool][protocol]") {
  Spool spool;
  std::set<std::string> submitted;
  for (int i = 0; i < 200; ++i) submitted.insert(spool.submit());
  REQUIRE(submitted.size() == 200);
  std::vector<std::vector<std::string>> done(6);
  {
    std::vector<std::jthread> pilots;
    for (std::size_t n = 0; n < done.size(); ++n)
      pilots.emplace_back([&, n] {
        const Folder folder = *Folder::open(spool.dir / "spool", Create::no);
        Watcher watcher(folder, 1000 + n, "racer");
        for (;;) {
          auto found = watcher.take(kOffer, kStart);
          if (!found || !found->taken) return;
          AttemptResult result;
          result.outcome.exit = ExitStatus{};
          const auto end = publish(folder, found->taken->ticket, 0, result);
          if (end && *end == Published::done) done[n].push_back(found->taken->ticket.job);
        }
      });
  }
  std::multiset<std::string> all;
  for (const auto& list : done) all.insert(list.begin(), list.end());
  CHECK(all.size() == 200);
  CHECK(std::set(all.begin(), all.end()) == submitted);
  CHECK(spool.count(State::done) == 200);
  CHECK(*spool.folder.drained());
  const auto done_tickets = spool.folder.list(State::done);
  REQUIRE(done_tickets);
  for (const Ticket& ticket : *done_tickets) CHECK(ticket.attempt == 1);
}

TEST_CASE("pilots killed at any instant neither lose nor double a job", "[spool][protocol]") {
  Spool spool;
  constexpr int kJobs = 40;
  for (int i = 0; i < kJobs; ++i) spool.submit();
  std::minstd_rand random(20260721);
  for (std::uint64_t n = 1; n <= 60; ++n) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      Watcher watcher(spool.folder, n, "victim");
      for (;;) {
        auto found = watcher.take(kOffer, kStart);
        if (!found || !found->taken) ::_exit(0);
        AttemptResult result;
        result.outcome.exit = ExitStatus{.code = static_cast<int>(found->taken->ticket.attempt)};
        if (!publish(spool.folder, found->taken->ticket, 0, result)) ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(random() % 1500));
    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
  }
  CHECK(spool.count(State::queued) + spool.count(State::running) + spool.count(State::done) ==
        kJobs);
  for (seconds at{0}; at < seconds(600) && !*spool.folder.drained(); ++at) {
    REQUIRE(spool.b.watcher.judge_leases(kStart + at));
    while (const std::optional<Taken> taken = spool.b.take(kStart + at))
      CHECK(spool.b.publish(*taken, 0) == Published::done);
  }
  CHECK(spool.count(State::done) == kJobs);
  const auto jobs = list_jobs(spool.folder, {});
  REQUIRE(jobs);
  CHECK(jobs->size() == kJobs);
  for (const Json& job : *jobs) CHECK(job["exit_code"].is_number());
}
