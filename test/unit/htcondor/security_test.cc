// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/security.h"

#include <ctime>
#include <fstream>
#include <thread>

#include "agent/scheduler/htcondor/security/negotiation.h"
#include "test/catch.h"
#include "test/support/fake_pool.h"
#include "test/support/temp_dir.h"

namespace podpilot::agent::htcondor {
namespace {

using namespace std::chrono_literals;
using test::fake_token;
using test::FakePool;
using Events = std::vector<std::string>;

Deadline soon() {
  return Deadline::after(10s);
}

// Echoes one message.
void echo(Stream& stream, Command) {
  auto got = stream.receive(kMaxSmallMessage, soon());
  if (!got) return;
  const auto text = got->string();
  if (text) static_cast<void>(stream.send(stream.writer().string(*text), soon()));
}

struct Fixture {
  Fixture() { write(fake_token()); }
  void write(const std::string& token) { std::ofstream(file, std::ios::trunc) << token; }
  Result<std::string> say(Command command, const std::string& text) {
    Stream stream = TRY(security.command(pool.address(), command, soon(), BorrowedFd()));
    TRY(stream.send(stream.writer().string(text), soon()));
    MessageReader answer = TRY(stream.receive(kMaxSmallMessage, soon()));
    return answer.string();
  }
  Error refusal() {
    const auto said = say(Command::update_startd_ad, "x");
    REQUIRE_FALSE(said);
    return said.error();
  }

  test::TempDir folder;
  std::string file = folder.path() + "/token";
  FakePool pool{echo};
  Security security{TokenSource::from_path(file), {}};
};

TEST_CASE("a session is made once and resumed", "[htcondor][security]") {
  Fixture fixture;
  CHECK(fixture.say(Command::update_startd_ad, "one") == "one");
  CHECK(fixture.say(Command::update_startd_ad, "two") == "two");
  CHECK(fixture.say(Command::invalidate_startd_ads, "three") == "three");
  CHECK(fixture.pool.events(3) == Events{"new pilot@pool 0", "resumed 0", "resumed 13"});
}

TEST_CASE("a session that does not allow a command is not used for it", "[htcondor][security]") {
  Fixture fixture;
  FakePool::Policy narrow;
  narrow.commands = "0";
  fixture.pool.set(narrow);
  CHECK(fixture.say(Command::update_startd_ad, "one"));
  CHECK(fixture.say(Command::invalidate_startd_ads, "two"));
  CHECK(fixture.pool.events(2) == Events{"new pilot@pool 0", "new pilot@pool 13"});
}

TEST_CASE("a session that the peer forgot is replaced", "[htcondor][security]") {
  Fixture fixture;
  CHECK(fixture.say(Command::update_startd_ad, "one"));
  fixture.pool.forget_sessions();
  CHECK(fixture.say(Command::update_startd_ad, "two") == "two");
  CHECK(fixture.pool.events(3) ==
        Events{"new pilot@pool 0", "unknown session", "new pilot@pool 0"});
}

TEST_CASE("a replaced token counts from the next session on", "[htcondor][security]") {
  Fixture fixture;
  FakePool::Policy brief_sessions;
  brief_sessions.session_duration = "1";
  fixture.pool.set(brief_sessions);
  CHECK(fixture.say(Command::update_startd_ad, "one"));
  fixture.write(fake_token(R"({"sub":"next@pool"})"));
  CHECK(fixture.say(Command::update_startd_ad, "two"));
  std::this_thread::sleep_for(1100ms);
  CHECK(fixture.say(Command::update_startd_ad, "three"));
  CHECK(fixture.pool.events(3) == Events{"new pilot@pool 0", "resumed 0", "new next@pool 0"});
}

TEST_CASE("CCB_REGISTER never resumes", "[htcondor][security]") {
  Fixture fixture;
  for (int i = 0; i < 2; ++i)
    CHECK(fixture.security.fresh_command(fixture.pool.address(), Command::ccb_register, soon(),
                                         BorrowedFd()));
  CHECK(fixture.pool.events(2) == Events{"new pilot@pool 67", "new pilot@pool 67"});
}

TEST_CASE("each refusal is its own error", "[htcondor][security]") {
  Fixture fixture;
  FakePool::Policy policy;
  const auto expect = [&](const std::string& words) {
    const Error why = fixture.refusal();
    CAPTURE(why.text);
    CHECK(why.fault == Fault::denied);
    CHECK(why.text.contains(words));
  };
  SECTION("wrong issuer") {
    fixture.write(fake_token(R"({"iss":"elsewhere"})"));
    expect("wrong issuer: the pool's trust domain is pool, the token's is elsewhere");
    CHECK(fixture.pool.events(0).empty());
  }
  SECTION("a key that the pool does not know") {
    fixture.write(fake_token(R"({"kid":"OTHER"})"));
    expect("wrong key: the pool knows POOL, the token was signed with OTHER");
  }
  SECTION("a key of the same name") {
    fixture.write(fake_token("{}", "other secret"));
    expect("wrong key: the token of pilot@pool was not signed with the pool's key POOL");
    CHECK(fixture.pool.events(1) == Events{"unproven pilot@pool 0"});  // once
  }
  SECTION("expired") {
    policy.refuse_tokens = true;
    fixture.pool.set(policy);
    fixture.write(fake_token(R"({"exp":1700000001})"));
    expect("it expired");
    CHECK(fixture.pool.events(1) == Events{"unproven pilot@pool 0"});
  }
  SECTION("revoked") {
    policy.refuse_tokens = true;
    fixture.pool.set(policy);
    expect("revoked");
  }
  SECTION("issued in the future") {
    fixture.write(fake_token("{\"iat\":" + std::to_string(::time(nullptr) + 1000) + "}"));
    expect("in the future");
    CHECK(fixture.pool.events(0).empty());
  }
  SECTION("no line in the pool's configuration") {
    policy.return_code = "DENIED";
    fixture.pool.set(policy);
    expect("ALLOW_ADVERTISE_STARTD = $(ALLOW_ADVERTISE_STARTD) pilot@pool");
  }
  SECTION("a token without the authorization") {
    policy.return_code = "DENIED";
    fixture.pool.set(policy);
    fixture.write(fake_token(R"({"scope":"condor:/READ"})"));
    expect("lacks the authorization ADVERTISE_STARTD");
  }
  SECTION("no encryption") {
    policy.encrypt = false;
    fixture.pool.set(policy);
    expect("does not encrypt with AES");
  }
}

TEST_CASE("sessions of claims, both ways", "[htcondor][security]") {
  // The peer is a Security of its own behind a listening socket.
  Security execute{TokenSource(), {}};
  Security submit{TokenSource(), {}};
  const SecretClaimId claim = mint_claim_id("<10.0.0.1:1>", 1, 1);
  execute.admit(session_of(claim));
  const auto talk = [&](const Session& session) -> Result<Security::Inbound> {
    auto [here, there] = test::stream_pair();
    Stream client(std::move(there), BorrowedFd());
    std::jthread peer([&client, &session] {
      static_cast<void>(resume_session(client, Sinful{}, Command::request_claim, session, soon()));
    });
    return execute.accept(Stream(std::move(here), BorrowedFd()), soon());
  };
  auto inbound = talk(session_of(claim));
  REQUIRE(inbound);
  CHECK(inbound->command == Command::request_claim);
  CHECK(inbound->session == claim.session_id());
  CHECK(inbound->user == kSubmitSide);
  CHECK(inbound->stream.encrypted());
  CHECK_FALSE(talk(session_of(mint_claim_id("<10.0.0.1:1>", 1, 2))));
  execute.forget(claim.session_id());
  CHECK(talk(session_of(claim)).error().fault == Fault::denied);
  Session old = session_of(claim);
  old.expires = Clock::now() - 1s;
  execute.admit(old);
  CHECK_FALSE(talk(session_of(claim)));
}

TEST_CASE("who knows a session's name but not its key is not understood", "[htcondor][security]") {
  Security execute{TokenSource(), {}};
  const SecretClaimId claim = mint_claim_id("<10.0.0.1:1>", 1, 1);
  execute.admit(session_of(claim));
  Session forged = session_of(claim);
  forged.key = session_key("guess");
  auto [here, there] = test::stream_pair();
  Stream client(std::move(there), BorrowedFd());
  std::jthread peer([&] {
    static_cast<void>(resume_session(client, Sinful{}, Command::release_claim, forged, soon()));
    static_cast<void>(client.send(client.writer().string(claim.session_id()), soon()));
  });
  auto inbound = execute.accept(Stream(std::move(here), BorrowedFd()), soon());
  REQUIRE(inbound);
  CHECK(inbound->stream.receive(kMaxSmallMessage, soon()).error().fault == Fault::corrupt);
}

TEST_CASE("a given session that the peer does not know", "[htcondor][security]") {
  Fixture fixture;
  const Session session = session_of(mint_claim_id("<10.0.0.1:1>", 1, 1));
  const auto stream = fixture.security.command(fixture.pool.address(), Command::alive, session,
                                               soon(), BorrowedFd());
  REQUIRE_FALSE(stream);
  CHECK(stream.error().fault == Fault::not_found);
  CHECK(fixture.pool.events(1) == Events{"unknown session"});
}

}  // namespace
}  // namespace podpilot::agent::htcondor
