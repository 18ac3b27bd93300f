// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/ccb.h"

#include <sys/eventfd.h>

#include <set>
#include <utility>

#include "agent/scheduler/htcondor/dialogue/ccb_message.h"
#include "agent/scheduler/htcondor/security/negotiation.h"
#include "test/catch.h"
#include "test/support/fake_broker.h"
#include "test/support/temp_dir.h"

namespace podpilot::agent::htcondor {
namespace {

using namespace std::chrono_literals;
using test::FakeBroker;
using test::Inbox;
using test::ReverseWaiter;

Deadline soon() {
  return Deadline::after(10s);
}

struct Fixture {
  explicit Fixture(CcbOptions options = {.name = "pod",
                                         .heartbeat = 20s,
                                         .retry = 50ms,
                                         .dial = 5s,
                                         .connections = 8},
                   std::vector<Sinful> more_brokers = {}) {
    folder.write("token", test::fake_token());
    std::vector<Sinful> brokers{broker.pool.address()};
    for (Sinful& one : more_brokers) brokers.push_back(std::move(one));
    listener.emplace(
        security, std::move(brokers), std::move(options),
        CcbHandlers{.contacts = [this](auto given) { contacts.put(std::move(given)); },
                    .connection = [this](Stream stream) { handle(std::move(stream)); },
                    .trouble = [this](const Sinful&, const Error& fault) { trouble.put(fault); }},
        stop);
  }
  ~Fixture() {
    ::eventfd_write(stop.get(), 1);
    listener.reset();
  }
  void handle(Stream stream) {
    auto inbound = security.accept(std::move(stream), soon());
    if (!inbound) return;
    connected.put(static_cast<int>(inbound->command));
    static_cast<void>(inbound->stream.receive(kMaxSmallMessage, Deadline::never()));
  }

  test::TempDir folder;
  FakeBroker broker;
  Inbox<std::vector<std::string>> contacts;
  Inbox<Error> trouble;
  Inbox<int> connected;
  UniqueFd stop{::eventfd(0, EFD_CLOEXEC)};
  Security security{TokenSource::from_path(folder.path() + "/token"), {}};
  std::optional<CcbListener> listener;
};

TEST_CASE("registration gives a contact", "[htcondor][ccb]") {
  Fixture fixture;
  REQUIRE(fixture.contacts.take() == std::vector<std::string>{"broker:1#1"});
  CHECK(fixture.listener->contacts() == std::vector<std::string>{"broker:1#1"});
  const auto ad = fixture.broker.registered.take();
  REQUIRE(ad);
  CHECK(ad->string("Name") == "pod");
  CHECK_FALSE(ad->has("CCBID"));
}

TEST_CASE("a lost broker is asked for the same contact", "[htcondor][ccb]") {
  Fixture fixture;
  REQUIRE(fixture.broker.registered.take());
  REQUIRE(fixture.contacts.take());
  fixture.broker.hang_up();
  REQUIRE(fixture.trouble.take());
  const auto again = fixture.broker.registered.take();
  REQUIRE(again);
  CHECK(again->string("CCBID") == "broker:1#1");
  CHECK(again->string("ClaimId") == "cookie");
  CHECK_FALSE(fixture.contacts.take(100ms));  // it did not change
}

TEST_CASE("heartbeats are sent", "[htcondor][ccb]") {
  Fixture fixture({.name = "pod", .heartbeat = 50ms, .retry = 50ms, .dial = 5s, .connections = 8});
  for (int i = 0; i < 5; ++i) {
    const auto ad = fixture.broker.heard.take();
    REQUIRE(ad);
    CHECK(ad->integer("Command") == 441);
  }
  CHECK_FALSE(fixture.trouble.take(10ms));
}

TEST_CASE("several peers are connected to at once", "[htcondor][ccb]") {
  Fixture fixture;
  REQUIRE(fixture.broker.registered.take());
  const SecretClaimId claim = mint_claim_id("<10.0.0.1:1>", 1, 1);
  fixture.security.admit(session_of(claim));
  const ReverseWaiter waiter;
  std::vector<Stream> peers;
  for (int i = 0; i < 5; ++i) fixture.broker.send(waiter.request(std::to_string(i)));
  std::set<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    Stream peer = waiter.accept();
    auto hello = peer.receive(kMaxSmallMessage, soon());
    REQUIRE(hello);
    CHECK(hello->integer() == 69);
    const auto ad = get_literal_ad(*hello);
    REQUIRE(ad);
    CHECK(ad->string("ClaimId") == "connect" + ad->string("RequestID"));
    ids.insert(ad->string("RequestID"));
    peer.reset_digests();
    peers.push_back(std::move(peer));
  }
  CHECK(ids.size() == 5);
  // All are open at the same time, and each works.
  for (Stream& peer : peers)
    REQUIRE(resume_session(peer, Sinful{}, Command::request_claim, session_of(claim), soon()));
  for (int i = 0; i < 5; ++i) CHECK(fixture.connected.take() == 442);
  for (int i = 0; i < 5; ++i) {
    const auto result = fixture.broker.heard.take();
    REQUIRE(result);
    CHECK(result->boolean("Result") == true);
    CHECK(result->string("ClaimId") == "connect" + result->string("RequestID"));
  }
}

TEST_CASE("what cannot be connected to is reported", "[htcondor][ccb]") {
  Fixture fixture;
  REQUIRE(fixture.broker.registered.take());
  for (const char* address : {"<127.0.0.1:1>", "nonsense<", ""}) {
    CAPTURE(address);
    LiteralAd request = ReverseWaiter().request("7");
    fixture.broker.send(request.set("MyAddress", address));
    const auto result = fixture.broker.heard.take();
    REQUIRE(result);
    CHECK(result->boolean("Result") == false);
    CHECK(result->string("RequestID") == "7");
    CHECK_FALSE(result->string("ErrorString").empty());
  }
}

TEST_CASE("there is a bound to connections", "[htcondor][ccb]") {
  Fixture fixture({.name = "pod", .heartbeat = 20s, .retry = 50ms, .dial = 5s, .connections = 1});
  REQUIRE(fixture.broker.registered.take());
  const ReverseWaiter waiter;
  fixture.broker.send(waiter.request("1"));
  const auto first = fixture.broker.heard.take();
  REQUIRE(first);
  CHECK(first->boolean("Result") == true);
  fixture.broker.send(waiter.request("2"));
  const auto second = fixture.broker.heard.take();
  REQUIRE(second);
  CHECK(second->boolean("Result") == false);
  CHECK(second->string("ErrorString").contains("too many"));
}

TEST_CASE("several brokers, one of them down", "[htcondor][ccb]") {
  Sinful down;
  down.host = "127.0.0.1";
  down.port = 1;
  FakeBroker other;
  Fixture fixture({.name = "pod", .heartbeat = 20s, .retry = 50ms, .dial = 5s, .connections = 8},
                  {down, other.pool.address()});
  std::optional<std::vector<std::string>> contacts = fixture.contacts.take();
  if (contacts && contacts->size() == 1) contacts = fixture.contacts.take();
  REQUIRE(contacts);
  CHECK(*contacts == std::vector<std::string>{"broker:1#1", "broker:1#1"});
  CHECK(fixture.trouble.take()->fault == Fault::transient);
}

TEST_CASE("messages of brokers", "[htcondor][ccb]") {
  LiteralAd answer;
  answer.set("Command", std::int64_t{67}).set("CCBID", "b#1").set("ClaimId", "c");
  CHECK(parse_registration(answer)->contact == "b#1");
  CHECK_FALSE(parse_registration(LiteralAd(answer).set("CCBID", "b#1 c#2")));
  CHECK_FALSE(parse_registration(LiteralAd(answer).set("CCBID", "")));
  CHECK_FALSE(parse_registration(LiteralAd(answer).set("Command", std::int64_t{68})));
  CHECK_FALSE(parse_request(heartbeat_ad()));
  CHECK_FALSE(parse_request(LiteralAd()));
}

}  // namespace
}  // namespace podpilot::agent::htcondor
