// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/htcondor_scheduler.h"

#include <poll.h>

#include <atomic>
#include <set>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/classad/wire.h"
#include "agent/scheduler/htcondor/security/negotiation.h"
#include "test/catch.h"
#include "test/support/condor_peer.h"
#include "test/support/fake_broker.h"
#include "test/support/temp_dir.h"

namespace podpilot::agent::htcondor {
namespace {

using namespace std::chrono_literals;
using test::CondorPeer;
using test::must;

Deadline soon() {
  return Deadline::after(10s);
}

// A pilot with room for everything, whose claims have no jobs.
struct Port final : PilotPort {
  std::set<ClaimId> claims;
  std::size_t granted = 0;
  bool draining = false;

  ClaimAnswer request_claim(ClaimId claim, const Resources&, const std::string&) override {
    ++granted;
    claims.insert(claim);
    return ClaimAnswer::accepted;
  }
  ActivateAnswer activate(ClaimId, const std::string&) override { return ActivateAnswer::refused; }
  void deactivate(ClaimId, Deactivation, std::chrono::milliseconds) override {}
  void suspend(ClaimId) override {}
  void resume(ClaimId) override {}
  void release(ClaimId claim) override { claims.erase(claim); }
  void contact_lost(ClaimId, Clock::time_point) override {}
  void contact_back(ClaimId) override {}
  void drain() override { draining = true; }
  void exhausted() override {}
  void others_wait(const std::string&) override {}
  void next_image(const std::string&) override {}
  void broken(Error) override {}
  Result<std::string> tail(ClaimId, const std::string&, std::uint64_t, std::size_t) override {
    return std::string();
  }
};

struct Update {
  Ad ad, secret;
};

// A pool of one collector, one broker and peers as the tests play them, and our side of it.
struct Fixture {
  Fixture() {
    folder.write("token", test::fake_token());
    CondorSettings settings;
    settings.collectors = {collector.address()};
    settings.brokers = {broker.pool.address()};
    settings.tokens = TokenSource::from_path(folder.path() + "/token");
    settings.facts.name = settings.facts.machine = settings.facts.domain = "pod";
    settings.facts.condor_version = "$CondorVersion: 25.0.0 2025-10-01 BuildID: test $";
    settings.facts.total = {.cpus = 8, .memory = 8ULL << 30, .disk = 8ULL << 30};
    settings.facts.arch = "x86_64";
    settings.facts.kernel_release = "6.1.0";
    settings.journal = folder.path() + "/claims";
    scheduler = std::make_unique<HtcondorScheduler>(poller, std::move(settings));
    Offer offer;
    offer.total = offer.free = {.cpus = 8, .memory = 8ULL << 30, .disk = 8ULL << 30};
    offer.capacity = 8;
    must(scheduler->start(offer, port));
  }
  ~Fixture() { scheduler->stop(); }

  void run_until(const std::function<bool()>& done) {
    const Deadline deadline = soon();
    while (!done()) {
      REQUIRE_FALSE(deadline.passed());
      must(poller.turn(Deadline::after(10ms)));
    }
  }
  // On a thread of its own, while the loop turns.
  template <typename F>
  auto peers_do(F script) {
    auto played = test::played(std::move(script));
    run_until([&] { return played.wait_for(0s) == std::future_status::ready; });
    return played.get();
  }

  // --- on peers' threads ---
  void serve_collector(Stream& stream, Command command) {
    if (command != Command::update_startd_ad) return;
    MessageReader message = must(stream.receive(kMaxAdMessage, soon()));
    Update update;
    update.ad = must(get_ad(message));
    if (const auto secret = get_ad(message)) update.secret = *secret;
    if (update.ad.string("Name") == "slot1@pod") updates.put(std::move(update));
  }
  Stream connect() {
    broker.send(waiter.request(std::to_string(++peers)));
    Stream peer = waiter.accept();
    must(peer.receive(kMaxSmallMessage, soon()));
    peer.reset_digests();
    return peer;
  }
  CondorPeer ask(const SecretClaimId& capability, Command command) {
    Stream peer = connect();
    must(resume_session(peer, Sinful{}, command, session_of(capability), soon()));
    return CondorPeer(std::move(peer));
  }
  static SecretClaimId id_in(const Ad& ad, std::string_view name) {
    return must(parse_claim_id(ad.string(name).value_or("")));
  }
  // A claim on what is offered: claim ids of the claim, and of what is left.
  std::pair<SecretClaimId, SecretClaimId> claim(const SecretClaimId& offered) {
    CondorPeer schedd = ask(offered, Command::request_claim);
    MessageWriter request = schedd.writer();
    request.string(offered.reveal());
    put_ad(request, must(parse_ad("_condor_SEND_LEFTOVERS = true\nUser = \"alice@pool\"\n"
                                  "RequestCpus = 1\nRequestMemory = 64\nRequestDisk = 1024\n"
                                  "_condor_SECURE_CLAIM_ID = true\n")));
    request.string("<127.0.0.1:1>").integer(0).integer(0);
    schedd.send(request);
    MessageReader reply = schedd.receive();
    if (must(reply.integer()) != 5) throw std::runtime_error("the claim was refused");
    return {offered, must(parse_claim_id(must(reply.string())))};
  }

  test::TempDir folder;
  test::Inbox<Update> updates;
  std::atomic<int> peers = 0;
  test::ReverseWaiter waiter;
  test::FakeBroker broker;
  test::FakePool collector{
      [this](Stream& stream, Command command) { serve_collector(stream, command); }};
  Poller poller;
  Port port;
  std::unique_ptr<HtcondorScheduler> scheduler;
};

}  // namespace

TEST_CASE("administrators end claims that have no job", "[htcondor][scheduler]") {
  Fixture pod;
  const SecretClaimId admin = pod.peers_do([&] {
    const std::optional<Update> first = pod.updates.take();
    if (!first) throw std::runtime_error("no update");
    SecretClaimId offered = Fixture::id_in(first->secret, "ClaimId");
    for (int i = 0; i < 6; ++i) offered = pod.claim(offered).second;
    return Fixture::id_in(first->ad, "_condor_PrivRemoteAdminCapability");
  });
  REQUIRE(pod.port.claims.size() == 6);

  SECTION("by a drain that is not graceful") {
    const int speed = GENERATE(10, 20);
    const Ad reply = pod.peers_do([&] {
      CondorPeer peer = pod.ask(admin, Command::drain_jobs);
      peer.ad("HowFast = " + std::to_string(speed));
      return peer.expect_ad();
    });
    CHECK(reply.boolean("Result") == true);
  }
  SECTION("by vacating all") {
    pod.peers_do([&] { pod.ask(admin, Command::vacate_all_claims); });
  }
  SECTION("by one after the other") {
    pod.peers_do([&] {
      for (int slot = 1; slot <= 6; ++slot)
        pod.ask(admin, Command::vacate_claim).string("slot1_" + std::to_string(slot) + "@pod");
    });
  }
  pod.run_until([&] { return pod.port.claims.empty(); });
}

TEST_CASE("an administrator ends the pilot", "[htcondor][scheduler]") {
  Fixture pod;
  const Command how =
      GENERATE(Command::dc_off_peaceful, Command::dc_off_graceful, Command::dc_off_fast);
  pod.peers_do([&] {
    const std::optional<Update> first = pod.updates.take();
    if (!first) throw std::runtime_error("no update");
    pod.ask(Fixture::id_in(first->ad, "_condor_PrivRemoteAdminCapability"), how);
  });
  pod.run_until([&] { return pod.port.draining; });
}

TEST_CASE("who has a claim is no administrator", "[htcondor][scheduler]") {
  Fixture pod;
  const auto [claim, offered] = pod.peers_do([&] {
    const std::optional<Update> first = pod.updates.take();
    if (!first) throw std::runtime_error("no update");
    return pod.claim(Fixture::id_in(first->secret, "ClaimId"));
  });
  for (const SecretClaimId& capability : {claim, offered})
    for (const Command command : administrator_commands()) {
      CAPTURE(static_cast<int>(command));
      pod.peers_do([&] {
        CondorPeer peer = pod.ask(capability, command);
        if (peer.stream().receive(kMaxSmallMessage, soon())) throw std::runtime_error("answered");
      });
    }
  CHECK(pod.port.claims.size() == 1);
  CHECK_FALSE(pod.port.draining);
}

}  // namespace podpilot::agent::htcondor
