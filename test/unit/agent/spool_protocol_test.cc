// SPDX-License-Identifier: Apache-2.0
// The protocol on a real folder.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/path.h"
#include "test/support/spool_fixture.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::agent::spool;

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
    CHECK(podpilot::list_names(*spool.folder.part("tmp"), 10)->empty());
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
  CHECK(podpilot::list_names(*spool.folder.part("tmp"), 10)->empty());
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
