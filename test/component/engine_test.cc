// SPDX-License-Identifier: Apache-2.0
// The pilot and its engine under a scheduler that does what the spool never does, with real
// sandboxes and images from a test's hand.
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "agent/pilot.h"
#include "test/catch.h"
#include "test/support/flight.h"
#include "test/support/scripted_scheduler.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::agent;
using namespace podpilot::test;

namespace {

// Hands out one folder as every image, at once or when the test says so.
class HeldImages final : public ImageSupplier {
 public:
  HeldImages(Poller& poller, std::string folder) : poller_(poller), folder_(std::move(folder)) {}

  bool held = false;
  int requested = 0;
  int cancelled = 0;
  int given_back = 0;

  void give() {
    for (auto& ready : std::exchange(waiting_, {})) answer(std::move(ready));
  }

  std::unique_ptr<Request> request(const ImageWish& wish, Ready ready) override {
    const std::string reference = wish.reference;
    ++requested;
    auto request = std::make_unique<Pull>(*this);
    auto guarded = [alive = request->alive, ready = std::move(ready), reference](auto image) {
      if (*alive) ready(std::move(image));
    };
    if (reference == "missing") {
      later([guarded] {
        guarded(std::unexpected(ImageFailure{Origin::image, {Fault::not_found, "no such image"}}));
      });
    } else if (held) {
      waiting_.push_back(guarded);
    } else {
      answer(guarded);
    }
    return request;
  }
  void give_back(SuppliedImage) override { ++given_back; }

 private:
  struct Pull final : Request {
    explicit Pull(HeldImages& images) : owner(images) {}
    ~Pull() override {
      *alive = false;
      ++owner.cancelled;
    }
    HeldImages& owner;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  };

  void answer(Ready ready) {
    later([this, ready = std::move(ready)] {
      ready(SuppliedImage{.image = {.config = {},
                                    .manifest = oci::Digest::of("x"),
                                    .layers = {folder_},
                                    .lease = {}},
                          .pull_time = {}});
    });
  }
  void later(std::function<void()> call) { calls_.push_back(poller_.after({}, std::move(call))); }

  Poller& poller_;
  std::string folder_;
  std::vector<Ready> waiting_;
  std::vector<Poller::Handle> calls_;
};

// A pilot in the air. Its loop is the scripted scheduler's.
struct Hangar {
  Image image;
  Poller poller;
  ScriptedScheduler scheduler{poller};
  ScratchDir scratch_dir;
  std::unique_ptr<Scratch> scratch = *Scratch::open(poller, scratch_dir / "s", Removal::on_thread);
  HeldImages images{poller, image.spec({"/bin/act"}).layers.at(0)};
  Watchdog watchdog{poller, Watchdog::Account::yes};
  Site site;
  Pilot pilot;
  Poller::Handle tick;

  explicit Hangar(unsigned capacity = 2, sandbox::Launcher& launcher = test::launcher(),
                  Tenancy tenancy = {})
      : site{poller, launcher, images, *scratch, watchdog, std::chrono::milliseconds(200)},
        pilot(site, scheduler, policy(capacity, std::move(tenancy))) {
    turn();
  }

  // What a test waits for need not be an event of the loop.
  void turn() {
    tick = poller.after(std::chrono::milliseconds(5), [this] { turn(); });
  }

  static PilotPolicy policy(unsigned capacity, Tenancy tenancy = {}) {
    PilotPolicy policy;
    policy.offer.tenancy = std::move(tenancy);
    policy.offer.total = {.cpus = 4, .memory = 1 << 30, .disk = 1 << 30};
    policy.offer.capacity = capacity;
    policy.stop_grace = std::chrono::milliseconds(200);
    return policy;
  }
  void job(ClaimId claim, std::vector<std::string> command, const std::string& name = "folder") {
    JobDescription job;
    job.name = name;
    job.image = name;
    job.command = std::move(command);
    scheduler.jobs[claim] = job;
  }
  bool claim(ClaimId claim, unsigned cpus = 1, const std::string& submitter = "alice") {
    return scheduler.port().request_claim(claim, {.cpus = cpus, .memory = 0, .disk = 0},
                                          submitter) == ClaimAnswer::accepted;
  }
  bool until_called(const std::string& call) {
    const bool seen = scheduler.run_until([&] { return scheduler.called(call); });
    for (const auto& [id, outcome] : scheduler.outcomes)
      UNSCOPED_INFO(outcome.slug << ": " << outcome.text);
    if (!seen)
      for (const std::string& made : scheduler.calls) UNSCOPED_INFO(made);
    return seen;
  }
  // start() without run(): the test turns the loop.
  void take_off() { REQUIRE(scheduler.start(policy(2).offer, pilot)); }
};

}  // namespace

TEST_CASE("two jobs offered at once run side by side", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  hangar.job(1, {"/bin/act", "exit", "3"});
  hangar.job(2, {"/bin/act", "exit", "0"});
  REQUIRE(hangar.claim(1));
  REQUIRE(hangar.claim(2));
  CHECK_FALSE(hangar.claim(3));  // no capacity
  CHECK(hangar.scheduler.port().activate(1, "one") == ActivateAnswer::accepted);
  CHECK(hangar.scheduler.port().activate(2, "two") == ActivateAnswer::accepted);
  REQUIRE(hangar.until_called("deactivated 1"));
  REQUIRE(hangar.until_called("deactivated 2"));
  CHECK(hangar.scheduler.outcomes[1].exit->code == 3);
  CHECK(hangar.scheduler.outcomes[2].exit->code == 0);
  CHECK(hangar.scheduler.outcomes[1].verdict == Verdict::done);
  CHECK(hangar.images.given_back == 2);
}

TEST_CASE("resources are lent once", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  CHECK_FALSE(hangar.claim(1, 5));
  CHECK(hangar.claim(1, 3));
  CHECK(hangar.scheduler.offer.free.cpus == 1);
  CHECK_FALSE(hangar.claim(2, 2));
  hangar.scheduler.port().release(1);
  CHECK(hangar.scheduler.offer.free.cpus == 4);
  CHECK(hangar.claim(2, 4));
  CHECK_FALSE(hangar.claim(2, 1));  // the same claim twice
}

TEST_CASE("a pod of one submitter keeps to the first whose job it took", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar(2, test::launcher(), {.one = true});
  hangar.job(1, {"/bin/act", "exit", "0"});
  hangar.scheduler.on_start = [&](PilotPort& port) {
    CHECK(hangar.claim(1, 1, "alice"));
    port.release(1);
    CHECK(hangar.claim(1, 1, "bob"));  // alice had a claim and no job
    port.others_wait("alice");
    CHECK(port.activate(1, "one") == ActivateAnswer::accepted);
    CHECK(hangar.scheduler.offer.tenancy.submitter == "bob");
    CHECK_FALSE(hangar.claim(2, 1, "alice"));
    CHECK_FALSE(hangar.claim(2, 1, ""));
    CHECK(hangar.claim(2, 1, "bob"));
    port.others_wait("alice");  // bob has work
    CHECK_FALSE(hangar.scheduler.offer.draining);
    port.release(2);
  };
  hangar.scheduler.on_call = [&](const std::string& call) {
    if (call == "deactivated 1") hangar.scheduler.port().release(1);
    if (call == "deactivated 1") hangar.scheduler.port().others_wait("alice");
  };
  CHECK(hangar.pilot.run());
  CHECK(hangar.scheduler.outcomes[1].verdict == Verdict::done);
}

TEST_CASE("deactivated during a pull: it is cancelled and the job requeued", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.images.held = true;
  hangar.take_off();
  hangar.job(1, {"/bin/act", "exit", "0"});
  REQUIRE(hangar.claim(1));
  hangar.scheduler.port().activate(1, "one");
  REQUIRE(hangar.scheduler.run_until([&] { return hangar.images.requested == 1; }));
  hangar.scheduler.port().deactivate(1, Deactivation::hard, {});
  REQUIRE(hangar.until_called("deactivated 1"));
  CHECK(hangar.images.cancelled == 1);
  CHECK(hangar.images.given_back == 0);
  CHECK(hangar.scheduler.outcomes[1].verdict == Verdict::requeue);
  CHECK(hangar.scheduler.outcomes[1].slug == "payload-stopped");
  CHECK_FALSE(hangar.scheduler.called("executing 1"));
}

TEST_CASE("activated before the clean-up ended: try again", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  hangar.job(1, {"/bin/act", "exit", "0"});
  REQUIRE(hangar.claim(1));
  hangar.scheduler.port().activate(1, "one");
  CHECK(hangar.scheduler.port().activate(1, "two") == ActivateAnswer::try_again);
  REQUIRE(hangar.until_called("finish 1 done"));
  CHECK(hangar.scheduler.port().activate(1, "two") == ActivateAnswer::try_again);
  REQUIRE(hangar.until_called("deactivated 1"));
  CHECK(hangar.scheduler.port().activate(1, "two") == ActivateAnswer::accepted);
  REQUIRE(hangar.scheduler.run_until([&] { return hangar.scheduler.count("deactivated 1") == 2; }));
  CHECK(hangar.scheduler.port().activate(9, "none") == ActivateAnswer::refused);
}

TEST_CASE("contact lost and back: the result waits for it", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  hangar.job(1, {"/bin/act", "exit", "5"});
  REQUIRE(hangar.claim(1));
  hangar.scheduler.port().activate(1, "one");
  hangar.scheduler.port().contact_lost(1, Clock::now() + std::chrono::seconds(30));
  REQUIRE(hangar.until_called("executing 1"));
  hangar.scheduler.run_until([] { return false; }, std::chrono::milliseconds(150));
  CHECK_FALSE(hangar.scheduler.called("send_outputs 1 all"));
  hangar.scheduler.port().contact_back(1);
  REQUIRE(hangar.until_called("finish 1 done"));
  CHECK(hangar.scheduler.outcomes[1].exit->code == 5);
}

TEST_CASE("contact lost for good ends the claim, and the scheduler hears of it",
          "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  hangar.job(1, {"/bin/act", "hang"});
  REQUIRE(hangar.claim(1));
  hangar.scheduler.port().activate(1, "one");
  REQUIRE(hangar.until_called("executing 1"));
  hangar.scheduler.port().contact_lost(1, Clock::now() + std::chrono::milliseconds(50));
  REQUIRE(hangar.until_called("release 1"));
  CHECK(hangar.scheduler.run_until([&] { return hangar.scheduler.offer.claims == 0; }));
  CHECK(hangar.scheduler.outcomes.empty());
}

TEST_CASE("a claim that both sides end is not released twice", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  REQUIRE(hangar.claim(1));
  hangar.job(1, {"/bin/act", "hang"});
  hangar.scheduler.port().activate(1, "one");
  REQUIRE(hangar.until_called("executing 1"));
  hangar.scheduler.port().contact_lost(1, Clock::now());
  REQUIRE(hangar.poller.turn());
  REQUIRE(hangar.scheduler.offer.claims == 1);  // its job is being killed
  hangar.scheduler.port().release(1);
  REQUIRE(hangar.scheduler.run_until([&] { return hangar.scheduler.offer.claims == 0; }));
  CHECK_FALSE(hangar.scheduler.called("release 1"));
}

TEST_CASE("released while running: killed, nothing sent, room again", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  hangar.job(1, {"/bin/act", "hang"});
  REQUIRE(hangar.claim(1));
  hangar.scheduler.port().activate(1, "one");
  REQUIRE(hangar.until_called("executing 1"));
  hangar.scheduler.port().release(1);
  REQUIRE(hangar.scheduler.run_until([&] { return hangar.scheduler.offer.claims == 0; }));
  CHECK_FALSE(hangar.scheduler.called("send_outputs 1 all"));
  CHECK(hangar.scheduler.outcomes.empty());
  CHECK(hangar.scheduler.offer.free.cpus == 4);
}

TEST_CASE("a soft deactivation asks, waits, kills, and sends what is there", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  hangar.job(1, {"/bin/act", "storm"});  // ignores SIGTERM
  REQUIRE(hangar.claim(1));
  hangar.scheduler.port().activate(1, "one");
  REQUIRE(hangar.until_called("executing 1"));
  hangar.scheduler.port().deactivate(1, Deactivation::soft, std::chrono::milliseconds(100));
  REQUIRE(hangar.until_called("deactivated 1"));
  CHECK(hangar.scheduler.called("send_outputs 1 evicted"));
  CHECK(hangar.scheduler.outcomes[1].verdict == Verdict::requeue);
}

TEST_CASE("a time limit ends the job with its slug", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  hangar.job(1, {"/bin/act", "hang"});
  hangar.scheduler.jobs[1].time_limit = std::chrono::milliseconds(100);
  REQUIRE(hangar.claim(1));
  hangar.scheduler.port().activate(1, "one");
  REQUIRE(hangar.until_called("deactivated 1"));
  CHECK(hangar.scheduler.outcomes[1].slug == "payload-over-time");
  CHECK(hangar.scheduler.outcomes[1].verdict == Verdict::failed);
  CHECK(hangar.scheduler.outcomes[1].times.run.count() >= 100);
}

TEST_CASE("inputs arrive, output goes back, suspension holds the payload", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.take_off();
  hangar.scheduler.inputs["in.txt"] = "hello";
  hangar.job(1, {"/bin/act", "tick"});
  REQUIRE(hangar.claim(1));
  hangar.scheduler.port().activate(1, "one");
  const auto size = [&] {
    const Result<std::string> text =
        hangar.scheduler.port().tail(1, kStdoutFile, 0, std::size_t{1} << 20);
    return text ? text->size() : 0;
  };
  REQUIRE(hangar.scheduler.run_until([&] { return size() > 3; }));
  CHECK(*hangar.scheduler.port().tail(1, "in.txt", 1, 3) == "ell");
  CHECK_FALSE(hangar.scheduler.port().tail(1, "../lock", 0, 3));
  hangar.scheduler.port().suspend(1);
  hangar.scheduler.run_until([] { return false; }, std::chrono::milliseconds(50));
  const std::size_t frozen = size();
  hangar.scheduler.run_until([] { return false; }, std::chrono::milliseconds(100));
  CHECK(size() == frozen);
  hangar.scheduler.port().resume(1);
  CHECK(hangar.scheduler.run_until([&] { return size() > frozen; }));
  hangar.scheduler.port().deactivate(1, Deactivation::soft, std::chrono::milliseconds(500));
  REQUIRE(hangar.until_called("deactivated 1"));
  CHECK(hangar.scheduler.outputs[1][kStdoutFile].size() > frozen);
}

TEST_CASE("each failure before the run reaches the scheduler as what it is", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  struct Row {
    const char* what;
    const char* slug;
    Verdict verdict;
    std::function<void(Hangar&)> prepare;
  };
  const std::vector<Row> rows = {
      {"image", "image-not-found", Verdict::failed,
       [](Hangar& h) { h.job(1, {"/bin/act"}, "missing"); }},
      {"description", "job-invalid", Verdict::failed,
       [](Hangar& h) { h.scheduler.errors[Ask::describe] = {Fault::invalid, "bad"}; }},
      {"inputs", "input-not-found", Verdict::failed,
       [](Hangar& h) {
         h.job(1, {"/bin/act"});
         h.scheduler.errors[Ask::bring_inputs] = {Fault::not_found, "gone"};
       }},
      {"program", "payload-not-found", Verdict::failed,
       [](Hangar& h) { h.job(1, {"/bin/nothing"}); }},
      {"user", "job-invalid", Verdict::failed,
       [](Hangar& h) {
         h.job(1, {"/bin/act"});
         h.scheduler.jobs[1].user = "nobody-there";
       }},
      {"command", "job-invalid", Verdict::failed, [](Hangar& h) { h.job(1, {}); }},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    Hangar hangar;
    hangar.take_off();
    row.prepare(hangar);
    REQUIRE(hangar.claim(1));
    hangar.scheduler.port().activate(1, "one");
    REQUIRE(hangar.until_called("deactivated 1"));
    CHECK(hangar.scheduler.outcomes[1].slug == row.slug);
    CHECK(hangar.scheduler.outcomes[1].verdict == row.verdict);
    CHECK_FALSE(hangar.scheduler.outcomes[1].exit.has_value());
  }
}

TEST_CASE("a drained pilot finishes what runs, takes nothing, and ends", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.job(1, {"/bin/act", "exit", "0"});
  hangar.scheduler.on_start = [&](PilotPort& port) {
    port.request_claim(1, {.cpus = 1, .memory = 0, .disk = 0}, "alice");
    port.request_claim(2, {.cpus = 1, .memory = 0, .disk = 0}, "alice");
    port.activate(1, "one");
    port.drain();
    CHECK(port.activate(2, "two") == ActivateAnswer::refused);
    CHECK(port.request_claim(3, {}, "alice") == ClaimAnswer::refused);
  };
  CHECK(hangar.pilot.run());
  CHECK(hangar.scheduler.called("finish 1 done"));
  CHECK(hangar.scheduler.called("release 2"));
  CHECK(hangar.scheduler.called("stop"));
}

TEST_CASE("a scheduler that breaks ends the pilot with its reason", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.job(1, {"/bin/act", "hang"});
  hangar.scheduler.on_call = [&](const std::string& call) {
    if (call == "executing 1") hangar.scheduler.port().broken({Fault::denied, "key refused"});
  };
  hangar.scheduler.on_start = [&](PilotPort& port) {
    port.request_claim(1, {.cpus = 1, .memory = 0, .disk = 0}, "alice");
    port.activate(1, "one");
  };
  const auto ended = hangar.pilot.run();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().error.text == "key refused");
  CHECK(ended.error().origin == Origin::scheduler);
}

TEST_CASE("a pilot whose launcher is killed gives its jobs back and ends", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  auto own = sandbox::Launcher::start();
  REQUIRE(own);
  Hangar hangar(3, *own);
  hangar.job(1, {"/bin/act", "storm"});
  hangar.job(2, {"/bin/act", "exit", "0"});
  hangar.scheduler.held = {Ask::describe};
  hangar.scheduler.on_call = [&](const std::string& call) {
    if (call == "describe 1") hangar.scheduler.answer(1, Ask::describe);
    if (call == "executing 1") own->retire();
  };
  hangar.scheduler.on_start = [&](PilotPort& port) {
    for (const ClaimId id : {1, 2, 3})
      CHECK(port.request_claim(id, {.cpus = 1, .memory = 0, .disk = 0}, "alice") ==
            ClaimAnswer::accepted);
    port.activate(1, "runs");
    port.activate(2, "begins");
  };
  const auto ended = hangar.pilot.run();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().origin == Origin::site);
  CHECK(hangar.scheduler.outcomes[1].slug == "sandbox-killed");
  CHECK(hangar.scheduler.outcomes[1].verdict == Verdict::requeue);
  CHECK(hangar.scheduler.outcomes[2].verdict == Verdict::requeue);
  for (const char* call : {"release 1", "release 2", "release 3", "stop"})
    CHECK(hangar.scheduler.called(call));
}

TEST_CASE("the second signal stops the jobs", "[agent][engine]") {
  if (rerun_unprivileged()) return;
  Hangar hangar;
  hangar.job(1, {"/bin/act", "hang"});
  hangar.scheduler.on_call = [&](const std::string& call) {
    if (call == "executing 1") {
      hangar.pilot.interrupted();
      hangar.pilot.interrupted();
    }
  };
  hangar.scheduler.on_start = [&](PilotPort& port) {
    port.request_claim(1, {.cpus = 1, .memory = 0, .disk = 0}, "alice");
    port.activate(1, "one");
  };
  CHECK(hangar.pilot.run());
  CHECK(hangar.scheduler.outcomes[1].slug == "payload-stopped");
}
