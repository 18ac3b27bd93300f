// SPDX-License-Identifier: Apache-2.0
// The protocol on a real folder: each state that a crash can leave, and who wins.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include "agent/scheduler/spool/attempt.h"
#include "agent/scheduler/spool/listing.h"
#include "agent/scheduler/spool/policy.h"
#include "agent/scheduler/spool/submission.h"
#include "agent/scheduler/spool/watcher.h"
#include "test/catch.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::spool;
using podpilot::test::TempDir;
using std::chrono::seconds;

namespace {

const Resources kPod{.cpus = 4, .memory = 8ULL << 30, .disk = 0};
const Clock::time_point kStart{seconds(100'000)};

struct Pilot {
  Pilot(const Folder& spool, std::uint64_t number)
      : folder(spool), id(number), watcher(spool, number, "pilot-" + std::to_string(number)) {}

  std::optional<Taken> take(Clock::time_point now = kStart, Resources free = kPod) {
    auto taken = watcher.take(free, kPod, now);
    REQUIRE(taken);
    return *std::move(taken);
  }
  // Looks every 5 s, as a pilot does.
  void watch(Clock::time_point from, seconds how_long) {
    for (seconds at{0}; at <= how_long; at += kRenew) REQUIRE(watcher.judge_leases(from + at));
  }
  Published publish(const Taken& taken, int code = 0) {
    AttemptResult result;
    result.outcome.exit = ExitStatus{.code = code};
    result.pilot = "pilot-" + std::to_string(id);
    const auto published = spool::publish(folder, taken.ticket, taken.job->retries, result);
    REQUIRE(published);
    return *published;
  }

  const Folder& folder;
  std::uint64_t id;
  Watcher watcher;
};

struct Spool {
  TempDir dir{podpilot::test::in_memory()};
  Folder folder = *Folder::open(dir / "spool", Create::yes);
  Pilot a{folder, 0xa};
  Pilot b{folder, 0xb};

  std::string submit(const std::string& more = "") const {
    const auto id = spool::submit(folder, R"({"image": "busybox")" + more + "}", dir.path());
    REQUIRE(id);
    return *id;
  }
  Json show(const std::string& id) const {
    const auto jobs = list_jobs(folder, {id});
    REQUIRE(jobs);
    REQUIRE(jobs->size() == 1);
    return jobs->front();
  }
  std::string state(const std::string& id) const { return show(id)["state"]; }
  std::size_t count(State state) const { return folder.list(state)->size(); }
  std::string job_path(const std::string& id, const std::string& name) const {
    return "spool/v1/jobs/" + id + "/" + name;
  }
};

}  // namespace

TEST_CASE("a job goes from queued over running to done", "[spool][protocol]") {
  Spool spool;
  const std::string id = spool.submit(R"(, "name": "n")");
  CHECK(spool.state(id) == "queued");
  CHECK_FALSE(*spool.folder.drained());
  const auto taken = spool.a.take();
  REQUIRE(taken);
  CHECK(taken->ticket.attempt == 1);
  CHECK(taken->job->description.image == "busybox");
  CHECK(spool.state(id) == "running");
  CHECK(spool.show(id)["pilot"] == "pilot-10");
  CHECK_FALSE(spool.b.take());
  CHECK_FALSE(*spool.folder.drained());
  CHECK(spool.a.publish(*taken, 3) == Published::done);
  CHECK(*spool.folder.drained());
  const Json job = spool.show(id);
  CHECK(job["state"] == "done");
  CHECK(job["exit_code"] == 3);
  CHECK(job["signal"].is_null());
  CHECK(job["name"] == "n");
  CHECK(job["attempt"] == 1);
  CHECK(job["times"]["wait"].get<double>() >= 0);
}

TEST_CASE("the highest priority that fits is taken first", "[spool][protocol]") {
  Spool spool;
  const std::string low = spool.submit(R"(, "priority": -1)");
  const std::string first = spool.submit();
  const std::string second = spool.submit();
  const std::string huge = spool.submit(R"(, "priority": 9, "cpus": 64)");
  const std::string big = spool.submit(R"(, "priority": 8, "memory": "5GiB")");
  const Resources half{.cpus = 2, .memory = 4ULL << 30, .disk = 0};
  CHECK(spool.a.take(kStart, half)->ticket.job == first);
  CHECK(spool.a.take()->ticket.job == big);
  CHECK(spool.a.take()->ticket.job == second);
  CHECK(spool.a.take()->ticket.job == low);
  CHECK_FALSE(spool.a.take());
  CHECK(spool.state(huge) == "queued");
}

TEST_CASE("retries rerun a failing payload, after a pause", "[spool][protocol]") {
  Spool spool;
  const std::string id = spool.submit(R"(, "retries": 1)");
  CHECK(spool.a.publish(*spool.a.take(), 1) == Published::requeued);
  CHECK(spool.state(id) == "queued");
  CHECK_FALSE(spool.a.take(kStart));
  CHECK_FALSE(spool.a.take(kStart + seconds(1)));
  const auto again = spool.a.take(kStart + seconds(2));
  REQUIRE(again);
  CHECK(again->ticket.attempt == 2);
  CHECK(spool.a.publish(*again, 1) == Published::done);
  CHECK(spool.show(id)["retried"] == 1);
}

TEST_CASE("a lapsed lease gives the job to somebody else", "[spool][protocol]") {
  Spool spool;
  const std::string id = spool.submit();
  const auto lost = spool.a.take();
  spool.b.watch(kStart, seconds(15));
  CHECK(spool.count(State::running) == 1);
  SECTION("a renewal keeps it") {
    REQUIRE(*renew(spool.folder, lost->ticket, "a", 2) == Hold::held);
    spool.b.watch(kStart + seconds(20), seconds(15));
    CHECK(spool.count(State::running) == 1);
    CHECK(spool.a.publish(*lost) == Published::done);
  }
  SECTION("without one it goes back, and the stopped pilot publishes nothing") {
    spool.b.watch(kStart + seconds(20), seconds(0));
    CHECK(spool.count(State::queued) == 1);
    CHECK_FALSE(*spool.folder.drained());
    CHECK_FALSE(spool.b.take(kStart + seconds(20)));
    const auto taken = spool.b.take(kStart + seconds(22));
    REQUIRE(taken);
    CHECK(taken->ticket.attempt == 2);
    CHECK(taken->ticket.strikes == 1);
    CHECK(*renew(spool.folder, lost->ticket, "a", 3) == Hold::lost);
    CHECK(spool.a.publish(*lost, 7) == Published::lost);
    CHECK(spool.a.publish(*lost, 7) == Published::lost);
    CHECK(spool.b.publish(*taken, 0) == Published::done);
    CHECK(spool.a.publish(*lost, 7) == Published::lost);
    CHECK(spool.show(id)["exit_code"] == 0);
    CHECK(spool.count(State::done) == 1);
  }
  SECTION("an observer that was itself stopped judges nobody") {
    spool.b.watch(kStart + seconds(60), seconds(15));
    CHECK(spool.count(State::running) == 1);
  }
}

TEST_CASE("two observers of a lapsed lease make one job of it", "[spool][protocol]") {
  Spool spool;
  spool.submit();
  REQUIRE(spool.a.take());
  Pilot c(spool.folder, 0xc);
  spool.b.watch(kStart, seconds(15));
  c.watch(kStart, seconds(20));
  spool.b.watch(kStart + seconds(20), seconds(0));
  CHECK(spool.count(State::queued) == 1);
  CHECK(spool.count(State::running) == 0);
  CHECK(spool.folder.list(State::queued)->front().strikes == 1);
}

TEST_CASE("a job that loses its pilots again and again ends", "[spool][protocol]") {
  Spool spool;
  const std::string id = spool.submit();
  Clock::time_point now = kStart;
  for (unsigned i = 0; i < kMaxStrikes; ++i) {
    Pilot victim(spool.folder, 100 + i);
    for (std::optional<Taken> taken; !taken; now += seconds(1)) taken = victim.take(now);
    spool.b.watch(now, seconds(20));
    now += seconds(21);
  }
  CHECK(spool.state(id) == "failed");
  CHECK(spool.show(id)["slug"] == "pilot-lost");
  CHECK(*spool.folder.drained());
}

// FORMAT.md's crash table, row by row: what is there when a pilot or a command dies between two
// steps, and what becomes of it.
TEST_CASE("no crash loses or doubles a job", "[spool][protocol]") {
  Spool spool;
  const std::string jobs = spool.dir / "spool/v1/jobs/";
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
    std::system(("rm -rf " + jobs + id).c_str());
    CHECK_FALSE(spool.a.take());
    CHECK(*spool.folder.drained());
    CHECK(spool.state(id) == "failed");
    CHECK(spool.show(id)["slug"] == "result-missing");
  }
}

TEST_CASE("cancel ends a queued job and asks for a running one", "[spool][protocol]") {
  Spool spool;
  const std::string queued = spool.submit(R"(, "priority": -1)");
  const std::string running = spool.submit();
  const auto taken = spool.a.take();
  CHECK(*cancel(spool.folder, queued, "typo") == Cancelled::ended);
  CHECK(spool.state(queued) == "failed");
  CHECK(spool.show(queued)["slug"] == "job-cancelled");
  CHECK(spool.show(queued)["text"] == "taken back with 'podpilot cancel': typo");
  CHECK(*cancel(spool.folder, running, "typo") == Cancelled::asked);
  CHECK(*renew(spool.folder, taken->ticket, "a", 2) == Hold::cancelled);
  CHECK(spool.a.publish(*taken) == Published::done);
  CHECK(*cancel(spool.folder, running, "typo") == Cancelled::already_done);
  CHECK(cancel(spool.folder, "20260721T221530123456Z-9f3ab2c1", "typo").error().fault ==
        Fault::not_found);
  CHECK(cancel(spool.folder, "../../etc", "typo").error().fault == Fault::invalid);
}

TEST_CASE("odd names in the spool are nobody's jobs", "[spool][protocol]") {
  Spool spool;
  const std::string id = spool.submit();
  spool.dir.write("spool/v1/queued/00000000-evil", "");
  spool.dir.make_dir("spool/v1/queued/..hidden");
  REQUIRE(::symlink("/etc/passwd", (spool.dir / "spool/v1/queued/link\n").c_str()) == 0);
  spool.dir.write("spool/v1/running/\x1b[31m", "");
  CHECK(spool.count(State::queued) == 1);
  CHECK(spool.count(State::running) == 0);
  CHECK(spool.a.take()->ticket.job == id);
}

TEST_CASE("a job file damaged in the spool is the job's failure", "[spool][protocol]") {
  Spool spool;
  const std::string id = spool.submit();
  spool.dir.write(spool.job_path(id, "job.json"), R"({"image": 1})");
  const auto taken = spool.a.take();
  REQUIRE(taken);
  REQUIRE_FALSE(taken->job);
  CHECK(taken->job.error().text == "job.json: image: must be a string");
}

TEST_CASE("inputs are copied when the job is submitted", "[spool][protocol]") {
  Spool spool;
  spool.dir.write("data/in.txt", "one");
  spool.dir.write("tree/a/b", "two");
  const std::string id =
      spool.submit(R"(, "inputs": ["data/in.txt", {"source": "tree", "target": "t/u"}])");
  spool.dir.write("data/in.txt", "changed");
  CHECK(spool.dir.read(spool.job_path(id, "inputs/in.txt")) == "one");
  CHECK(spool.dir.read(spool.job_path(id, "inputs/t/u/a/b")) == "two");
  SECTION("one that is missing refuses the job and leaves nothing") {
    const auto bad = spool::submit(
        spool.folder, R"({"image": "a", "inputs": ["data/in.txt", "none"]})", spool.dir.path());
    REQUIRE_FALSE(bad);
    CHECK(bad.error().text == "inputs[1]: none: ENOENT (No such file or directory)");
    CHECK(spool.count(State::queued) == 1);
    CHECK(list_names(*spool.folder.part("tmp"), 10)->empty());
  }
}

TEST_CASE("purge removes what ended before the age, by the filesystem's clock",
          "[spool][protocol]") {
  Spool spool;
  const std::string old = spool.submit();
  CHECK(spool.a.publish(*spool.a.take()) == Published::done);
  const std::string fresh = spool.submit();
  const auto taken = spool.a.take();
  CHECK(spool.a.publish(*taken) == Published::done);
  const std::string queued = spool.submit();
  const auto tickets = *spool.folder.list(State::done);
  const Ticket& first = tickets[0].job == old ? tickets[0] : tickets[1];
  const std::string result = spool.folder.attempt_path(first) + "/result.json";
  const timespec times[2] = {{1'000'000, 0}, {1'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, result.c_str(), times, 0) == 0);
  CHECK(purge(spool.folder, seconds(3600))->jobs == 1);
  CHECK_FALSE(spool.dir.has("spool/v1/jobs/" + old));
  CHECK(spool.state(fresh) == "done");
  CHECK(spool.state(queued) == "queued");
  CHECK(list_names(*spool.folder.part("tmp"), 10)->empty());
}

TEST_CASE("a newer podpilot's folder is seen and left alone", "[spool][protocol]") {
  Spool spool;
  spool.dir.write("spool/v7/queued/whatever", "x");
  spool.dir.make_dir("spool/vault");
  const auto folder = Folder::open(spool.dir / "spool", Create::no);
  REQUIRE(folder);
  CHECK(folder->newer_format() == 7);
  CHECK(list_jobs(*folder, {})->empty());
  CHECK(spool.dir.read("spool/v7/queued/whatever") == "x");
  const auto none = Folder::open(spool.dir.path(), Create::no);
  REQUIRE_FALSE(none);
  CHECK(none.error().text == spool.dir.path() + ": not a spool (it has no folder v1)");
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
          auto taken = watcher.take(kPod, kPod, kStart);
          if (!taken || !*taken) return;
          AttemptResult result;
          result.outcome.exit = ExitStatus{};
          const auto end = publish(folder, (*taken)->ticket, 0, result);
          if (end && *end == Published::done) done[n].push_back((*taken)->ticket.job);
        }
      });
  }
  std::multiset<std::string> all;
  for (const auto& list : done) all.insert(list.begin(), list.end());
  CHECK(all.size() == 200);
  CHECK(std::set(all.begin(), all.end()) == submitted);
  CHECK(spool.count(State::done) == 200);
  CHECK(*spool.folder.drained());
  for (const Ticket& ticket : *spool.folder.list(State::done)) CHECK(ticket.attempt == 1);
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
        auto taken = watcher.take(kPod, kPod, kStart);
        if (!taken || !*taken) ::_exit(0);
        AttemptResult result;
        result.outcome.exit = ExitStatus{.code = static_cast<int>((*taken)->ticket.attempt)};
        if (!publish(spool.folder, (*taken)->ticket, 0, result)) ::_exit(1);
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
