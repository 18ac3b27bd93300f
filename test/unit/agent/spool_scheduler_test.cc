// SPDX-License-Identifier: Apache-2.0
// The spool behind the scheduler's seam, with a pilot that does as the test says.
#include "agent/scheduler/spool/spool_scheduler.h"

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "agent/scheduler/spool/listing.h"
#include "agent/scheduler/spool/submission.h"
#include "sandbox/base/path.h"
#include "test/catch.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace std::chrono_literals;
using podpilot::test::TempDir;

namespace {

// Keeps claims as Pilot does and writes down the rest.
class FakePilot final : public PilotPort {
 public:
  explicit FakePilot(SpoolScheduler& scheduler) : scheduler_(scheduler) {
    offer.total = offer.free = {.cpus = 2, .memory = 1 << 30, .disk = 0};
    offer.capacity = 2;
  }

  ClaimAnswer request_claim(ClaimId claim, const Resources& wanted,
                            const std::string& submitter) override {
    calls.push_back("request_claim");
    submitters.push_back(submitter);
    if (refuse) return ClaimAnswer::refused;
    claims[claim] = wanted;
    publish();
    return ClaimAnswer::accepted;
  }
  ActivateAnswer activate(ClaimId claim, const std::string& job) override {
    calls.push_back("activate");
    if (busy > 0 && busy-- > 0) return ActivateAnswer::try_again;
    active[claim] = job;
    return ActivateAnswer::accepted;
  }
  void deactivate(ClaimId, Deactivation, std::chrono::milliseconds) override {
    calls.push_back("deactivate");
  }
  void suspend(ClaimId) override {}
  void resume(ClaimId) override {}
  void release(ClaimId claim) override {
    calls.push_back("release");
    claims.erase(claim);
    active.erase(claim);
    publish();
  }
  void contact_lost(ClaimId, Clock::time_point) override { calls.push_back("contact_lost"); }
  void contact_back(ClaimId) override { calls.push_back("contact_back"); }
  void drain() override {}
  void exhausted() override { calls.push_back("exhausted"); }
  void others_wait(const std::string& submitter) override {
    calls.push_back("others_wait " + submitter);
  }
  void next_image(const std::string& image) override { calls.push_back("next_image " + image); }
  void broken(Error) override { calls.push_back("broken"); }
  Result<std::string> tail(ClaimId, const std::string&, std::uint64_t, std::size_t) override {
    return Error{Fault::unsupported, "no"};
  }

  void publish() {
    offer.claims = static_cast<unsigned>(claims.size());
    offer.free = offer.total;
    for (const auto& [claim, held] : claims) {
      offer.free.cpus -= held.cpus;
      offer.free.memory -= held.memory;
    }
    scheduler_.update(offer);
  }
  bool saw(const std::string& call) const {
    return std::find(calls.begin(), calls.end(), call) != calls.end();
  }

  Offer offer;
  bool refuse = false;
  int busy = 0;
  std::map<ClaimId, Resources> claims;
  std::map<ClaimId, std::string> active;
  std::vector<std::string> calls;
  std::vector<std::string> submitters;  // of request_claim

 private:
  SpoolScheduler& scheduler_;
};

struct World {
  TempDir dir{podpilot::test::in_memory()};
  spool::Folder folder = *spool::Folder::open(dir / "spool", spool::Create::yes);
  TempDir scratch{podpilot::test::in_memory()};
  Poller poller;
  SpoolScheduler scheduler{poller, dir / "spool", "tester", 200ms};
  FakePilot pilot{scheduler};

  std::string submit(const std::string& more = "") {
    const auto id = spool::submit(folder, R"({"image": "busybox")" + more + "}", dir.path());
    REQUIRE(id);
    return *id;
  }
  void start() { REQUIRE(scheduler.start(pilot.offer, pilot)); }
  bool until(const std::function<bool()>& done, std::chrono::milliseconds limit = 5s) {
    const Deadline end = Deadline::after(limit);
    while (!done()) {
      if (end.passed()) return false;
      REQUIRE(poller.turn(end));
    }
    return true;
  }
  ClaimId claim() {
    REQUIRE(until([&] { return !pilot.active.empty(); }));
    return pilot.active.begin()->first;
  }
  Result<void> wait_for(const std::function<void(Done)>& call) {
    std::optional<Result<void>> answer;
    call([&](Result<void> result) { answer = std::move(result); });
    REQUIRE_FALSE(answer.has_value());  // never inside the call
    REQUIRE(until([&] { return answer.has_value(); }));
    return *answer;
  }
  Result<void> send(ClaimId claim, SendOutputs which = SendOutputs::all) {
    return wait_for(
        [&](Done done) { scheduler.send_outputs(claim, scratch.fd(), which, std::move(done)); });
  }
  Result<void> finish(ClaimId claim, const Outcome& outcome) {
    return wait_for([&](Done done) { scheduler.finish(claim, outcome, std::move(done)); });
  }
  Json show(const std::string& id) {
    const auto jobs = spool::list_jobs(folder, {id});
    REQUIRE(jobs);
    return jobs->front();
  }
};

Outcome exited(int code) {
  Outcome outcome;
  outcome.exit = ExitStatus{.code = code};
  outcome.times.run = 1500ms;
  outcome.usage.max_rss = 4096;
  outcome.image_digest = "sha256:00";
  return outcome;
}

std::string slurp(const Json& path) {
  REQUIRE(path.is_string());
  return *read_file(path.get<std::string>(), 1 << 20);
}

}  // namespace

TEST_CASE("a job runs through the seam and leaves its result", "[spool][scheduler]") {
  World world;
  world.dir.write("in.txt", "input");
  const std::string id = world.submit(R"(, "inputs": ["in.txt"], "outputs": ["out/"])");
  world.start();
  const ClaimId claim = world.claim();
  CHECK(world.pilot.active[claim] == id);
  std::optional<Result<JobDescription>> described;
  world.scheduler.describe(claim, [&](Result<JobDescription> d) { described = std::move(d); });
  REQUIRE_FALSE(described.has_value());
  REQUIRE(world.until([&] { return described.has_value(); }));
  CHECK((*described)->image == "busybox");
  CHECK((*described)->name == id);
  REQUIRE(world.wait_for([&](Done done) {
    world.scheduler.bring_inputs(claim, world.scratch.fd(), std::move(done));
  }));
  CHECK(world.scratch.read("in.txt") == "input");
  world.scheduler.executing(claim, {});
  world.scratch.write("_podpilot_stdout", "hello\n");
  world.scratch.write("_podpilot_stderr", "");
  world.scratch.write("out/a", "result");
  REQUIRE(world.send(claim));
  REQUIRE(world.finish(claim, exited(0)));
  world.scheduler.deactivated(claim);
  REQUIRE(world.until([&] { return world.pilot.saw("exhausted"); }));
  CHECK(world.pilot.saw("release"));
  const Json job = world.show(id);
  CHECK(job["state"] == "done");
  CHECK(job["exit_code"] == 0);
  CHECK(job["pilot"] == "tester");
  CHECK(job["image_digest"] == "sha256:00");
  CHECK(job["times"]["run"] == 1.5);
  CHECK(job["usage"]["max_rss"] == 4096);
  CHECK(slurp(job["stdout"]) == "hello\n");
  CHECK(slurp(job["stderr"]).empty());
  CHECK(slurp(job["outputs"].get<std::string>() + "/out/a") == "result");
}

TEST_CASE("an output that is missing fails a job that ended well", "[spool][scheduler]") {
  World world;
  const std::string id = world.submit(R"(, "outputs": ["a", "link/b", "fifo"])");
  world.start();
  const ClaimId claim = world.claim();
  REQUIRE(::symlink("/etc", (world.scratch / "link").c_str()) == 0);
  REQUIRE(::mkfifo((world.scratch / "fifo").c_str(), 0666) == 0);
  REQUIRE(world.send(claim));
  SECTION("exit code 0") {
    REQUIRE(world.finish(claim, exited(0)));
    const Json job = world.show(id);
    CHECK(job["state"] == "failed");
    CHECK(job["exit_code"] == 0);
    CHECK(job["slug"] == "payload-output-missing");
    CHECK(job["text"] ==
          "output a: ENOENT (No such file or directory); link/b: is reached through a symlink or "
          "what "
          "is no folder; fifo: is neither file, folder nor symlink");
  }
  SECTION("an exit code of its own says more") {
    REQUIRE(world.finish(claim, exited(3)));
    CHECK(world.show(id)["state"] == "done");
    CHECK(world.show(id)["exit_code"] == 3);
  }
}

TEST_CASE("no more is taken than the offer holds", "[spool][scheduler]") {
  World world;
  for (int i = 0; i < 3; ++i) world.submit();
  world.start();
  REQUIRE(world.until([&] { return world.pilot.active.size() == 2; }));
  CHECK_FALSE(world.until([&] { return world.pilot.active.size() > 2; }, 700ms));
  CHECK(world.folder.list(spool::State::queued)->size() == 1);
  CHECK_FALSE(world.pilot.saw("exhausted"));
  SECTION("a released claim goes back") {
    world.pilot.offer.draining = true;
    for (const auto& [claim, job] : world.pilot.active) world.scheduler.release(claim);
    world.scheduler.stop();
    CHECK(world.folder.list(spool::State::queued)->size() == 3);
  }
  SECTION("and so does what is held when the scheduler stops") {
    world.scheduler.stop();
    CHECK(world.folder.list(spool::State::queued)->size() == 3);
    CHECK(world.folder.list(spool::State::running)->empty());
  }
}

TEST_CASE("a job that the pilot refuses is queued again", "[spool][scheduler]") {
  World world;
  world.submit();
  world.pilot.refuse = true;
  world.start();
  REQUIRE(world.until([&] { return world.pilot.saw("request_claim"); }));
  REQUIRE(world.until([&] { return world.folder.list(spool::State::queued)->size() == 1; }));
  CHECK(world.folder.list(spool::State::queued)->front().strikes == 0);
}

TEST_CASE("a claim is asked for in the name of who owns the job's folder", "[spool][scheduler]") {
  World world;
  const std::string id = world.submit();
  world.start();
  world.claim();
  CHECK(world.pilot.submitters == std::vector{std::to_string(::geteuid())});
  CHECK(world.show(id)["submitter"] == std::to_string(::geteuid()));
}

TEST_CASE("jobs of others are left alone, and waited for in vain they are told",
          "[spool][scheduler]") {
  World world;
  const std::string other = std::to_string(::geteuid());
  world.submit();
  SECTION("another's pod") {
    world.pilot.offer.tenancy = {.one = true, .submitter = "somebody"};
    world.start();
    const auto begun = Clock::now();
    REQUIRE(world.until([&] { return world.pilot.saw("others_wait " + other); }));
    CHECK(Clock::now() - begun >= spool::kOthersTurn);
    CHECK_FALSE(world.pilot.saw("request_claim"));
    CHECK(world.folder.list(spool::State::queued)->front().attempt == 0);
  }
  SECTION("an image that the pod cannot show is nobody's reason to make room") {
    world.pilot.offer.tenancy = {.one = true, .submitter = "somebody"};
    world.pilot.offer.unfit_images = {"busybox"};
    world.start();
    CHECK_FALSE(world.until([&] { return !world.pilot.calls.empty(); }, spool::kOthersTurn + 1s));
    CHECK(world.folder.list(spool::State::queued)->front().attempt == 0);
  }
}

TEST_CASE("a busy pilot is told what comes next, where that is of use", "[spool][scheduler]") {
  World world;
  world.submit(R"(, "cpus": 2, "priority": 1)");
  world.pilot.offer.prepares = GENERATE(true, false);
  world.pilot.offer.capacity = 1;
  world.start();
  world.claim();
  SECTION("nothing") {
    CHECK(world.until([&] { return world.pilot.saw("next_image "); }, 1s) ==
          world.pilot.offer.prepares);
  }
  SECTION("the first job that suits once this one is over") {
    world.submit(R"(, "cpus": 3)");
    REQUIRE(spool::submit(world.folder, R"({"image": "alpine"})", world.dir.path()));
    CHECK(world.until([&] { return world.pilot.saw("next_image alpine"); }, 4s) ==
          world.pilot.offer.prepares);
    CHECK(world.folder.list(spool::State::queued)->size() == 2);
  }
}

TEST_CASE("an activation that comes too early is tried again", "[spool][scheduler]") {
  World world;
  world.submit();
  world.pilot.busy = 2;
  world.start();
  world.claim();
  CHECK(std::count(world.pilot.calls.begin(), world.pilot.calls.end(), "activate") == 3);
}

TEST_CASE("a cancelled job is stopped and its result says so", "[spool][scheduler]") {
  World world;
  const std::string id = world.submit(R"(, "retries": 3)");
  world.start();
  const ClaimId claim = world.claim();
  CHECK(*spool::cancel(world.folder, id, "typo") == spool::Cancelled::asked);
  REQUIRE(world.until([&] { return world.pilot.saw("deactivate"); }));
  Outcome stopped = failure(Origin::payload, Error{Fault::internal, "stopped"});
  stopped.exit = ExitStatus{.signal = SIGKILL};
  REQUIRE(world.finish(claim, stopped));
  const Json job = world.show(id);
  CHECK(job["state"] == "failed");
  CHECK(job["slug"] == "job-cancelled");
  CHECK(job["signal"] == 9);
  CHECK(job["text"] == "taken back with 'podpilot cancel': typo");
}

TEST_CASE("a lost lease ends the claim and publishes nothing", "[spool][scheduler]") {
  World world;
  const std::string id = world.submit();
  world.start();
  const ClaimId claim = world.claim();
  spool::Ticket mine = world.folder.list(spool::State::running)->front();
  spool::Ticket back = mine;
  ++back.strikes;
  REQUIRE(*world.folder.move(spool::State::running, mine, spool::State::queued, back));
  REQUIRE(
      *world.folder.move(spool::State::queued, back, spool::State::running, back.taken_by(0xbeef)));
  SECTION("found by a renewal") {
    REQUIRE(world.until([&] { return world.pilot.saw("release"); }));
  }
  SECTION("found by publishing") {
    bool answered = false;
    world.scheduler.finish(claim, exited(0), [&](const Result<void>&) { answered = true; });
    REQUIRE(world.until([&] { return world.pilot.saw("release"); }));
    CHECK_FALSE(answered);
  }
  CHECK(world.show(id)["state"] == "running");
  CHECK(world.folder.list(spool::State::done)->empty());
}

TEST_CASE("a job that the spool cannot read is described as an error", "[spool][scheduler]") {
  World world;
  const std::string id = world.submit();
  world.dir.write("spool/v1/jobs/" + id + "/job.json", "{}");
  world.start();
  const ClaimId claim = world.claim();
  std::optional<Result<JobDescription>> described;
  world.scheduler.describe(claim, [&](Result<JobDescription> d) { described = std::move(d); });
  REQUIRE(world.until([&] { return described.has_value(); }));
  CHECK(described->error().text == "job.json: image: is missing");
  REQUIRE(world.finish(claim, failure(Origin::scheduler, described->error())));
  CHECK(world.show(id)["slug"] == "job-invalid");
}

TEST_CASE("an abandoned transfer answers no more", "[spool][scheduler]") {
  World world;
  world.dir.write("in.txt", "input");
  const std::string id = world.submit(R"(, "inputs": ["in.txt"])");
  world.start();
  const ClaimId claim = world.claim();
  bool answered = false;
  world.scheduler.bring_inputs(claim, world.scratch.fd(),
                               [&](const Result<void>&) { answered = true; });
  world.scheduler.abandon(claim);
  REQUIRE(world.finish(claim, failure(Origin::network, Error{Fault::transient, "no registry"})));
  CHECK_FALSE(answered);
  CHECK(world.show(id)["state"] == "queued");
  CHECK(world.show(id)["slug"] == "registry-unavailable");
}

TEST_CASE("a spool that vanishes breaks the scheduler", "[spool][scheduler]") {
  World world;
  world.start();
  REQUIRE(world.until([&] { return world.pilot.saw("exhausted"); }));
  REQUIRE(remove_tree(world.dir.fd(), "spool"));
  CHECK(world.until([&] { return world.pilot.saw("broken"); }));
}
