// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/ccb.h"

#include <arpa/inet.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "agent/scheduler/htcondor/dialogue/ccb_message.h"
#include "agent/scheduler/htcondor/security/negotiation.h"
#include "test/catch.h"
#include "test/support/fake_pool.h"
#include "test/support/temp_dir.h"

namespace podpilot::agent::htcondor {
namespace {

using namespace std::chrono_literals;
using test::FakePool;

Deadline soon() {
  return Deadline::after(10s);
}

// What tests wait for, from several threads.
template <typename Value>
class Mailbox {
 public:
  void put(Value value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    arrived_.notify_all();
  }
  std::optional<Value> take(std::chrono::milliseconds patience = 10s) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, patience, [&] { return !values_.empty(); })) return std::nullopt;
    Value value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Value> values_;
};

LiteralAd receive_ad(Stream& stream) {
  auto message = stream.receive(kMaxSmallMessage, soon());
  if (!message) return {};
  return get_literal_ad(*message).value_or(LiteralAd());
}

Result<void> send_ad(Stream& stream, const LiteralAd& ad) {
  MessageWriter message = stream.writer();
  put_literal_ad(message, ad);
  return stream.send(message, soon());
}

// A broker: registrations and what comes after go into mailboxes; a test tells it what to send.
class Broker {
 public:
  Mailbox<LiteralAd> registered;
  Mailbox<LiteralAd> heard;  // heartbeats and results

  void send(LiteralAd ad) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(ad));
  }
  void hang_up() { hang_up_ = true; }

 private:
  void serve(Stream& stream, Command command) {
    if (command != Command::ccb_register) return;
    const LiteralAd ad = receive_ad(stream);
    const bool known = ad.string("ClaimId") == "cookie" && ad.string("CCBID") == "broker:1#1";
    LiteralAd answer;
    answer.set("Command", std::int64_t{67}).set("ClaimId", "cookie");
    answer.set("CCBID", known || ++count_ == 1 ? "broker:1#1" : "broker:1#2");
    if (!send_ad(stream, answer)) return;
    registered.put(ad);
    hang_up_ = false;
    while (!hang_up_) {
      const auto some = stream.wait(Deadline::after(10ms));
      if (!some) return;
      if (*some) {
        const LiteralAd message = receive_ad(stream);
        if (!message.has("Command") && !message.has("Result")) return;  // closed
        heard.put(message);
        if (message.integer("Command") == 441 && !send_ad(stream, message)) return;
      }
      const std::lock_guard lock(mutex_);
      for (const LiteralAd& one : std::exchange(waiting_, {}))
        if (!send_ad(stream, one)) return;
    }
  }
  std::mutex mutex_;
  std::vector<LiteralAd> waiting_;
  std::atomic<int> count_ = 0;
  std::atomic<bool> hang_up_ = false;

 public:
  // Last: its threads end before what they use.
  FakePool pool{[this](Stream& stream, Command command) { serve(stream, command); }};
};

// Somebody behind whose socket a reversed connection is waited for.
class Waiter {
 public:
  Waiter() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::listen(listener_.get(), 16);
  }
  LiteralAd request(const std::string& id) const {
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
    LiteralAd ad;
    ad.set("Command", std::int64_t{68}).set("ClaimId", "connect" + id).set("RequestID", id);
    ad.set("Name", "test")
        .set("MyAddress", "<127.0.0.1:" + std::to_string(ntohs(bound.sin_port)) + ">");
    return ad;
  }
  Stream accept() const {
    return Stream(UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)),
                  BorrowedFd());
  }

 private:
  UniqueFd listener_;
};

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
        CcbHandlers{.contacts = [this](auto given) { contacts.put(given); },
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
  Broker broker;
  Mailbox<std::vector<std::string>> contacts;
  Mailbox<Error> trouble;
  Mailbox<int> connected;
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
  const Waiter waiter;
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
    LiteralAd request = Waiter().request("7");
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
  const Waiter waiter;
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
  Broker other;
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
