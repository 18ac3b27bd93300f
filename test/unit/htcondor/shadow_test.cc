// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/shadow.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "agent/scheduler/htcondor/classad/wire.h"
#include "test/catch.h"
#include "test/support/condor_peer.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;
using podpilot::test::condor_pair;
using podpilot::test::CondorPair;
using podpilot::test::must;
using podpilot::test::played;

TEST_CASE("shadow: a whole job in the order of calls", "[shadow]") {
  CondorPair pair = condor_pair();
  Shadow shadow(std::move(pair.ours));
  auto peer = played([peer = std::move(pair.peer)]() mutable {
    std::vector<std::int64_t> calls;
    const auto call = [&] {
      MessageReader message = peer.receive();
      calls.push_back(must(message.integer()));
      return message;
    };
    static_cast<void>(call());
    MessageWriter job = peer.writer();
    job.integer(0).integer(2).string("Cmd = \"/bin/true\"").string("TransferKey = \"k#1\"");
    job.string("").string("");
    peer.send(job);
    static_cast<void>(call());
    peer.integer(0);
    MessageReader asked = call();
    if (must(asked.string()) != "" || must(asked.string()) != "" || asked.left() != 0)
      throw std::runtime_error("get_sec_session_info: arguments");
    MessageWriter sessions = peer.writer();
    sessions.integer(0).string("r").string("[ri]").string("rk").string("f").string("[fi]").string(
        "fk");
    peer.send(sessions);
    for (int i = 0; i < 3; ++i) {  // begin_execution, update, termination
      static_cast<void>(call());
      peer.integer(0);
    }
    MessageReader last = call();
    calls.push_back(must(last.integer()));
    calls.push_back(must(last.integer()));
    peer.integer(0);
    return calls;
  });
  const Ad job = must(shadow.job_info());
  CHECK(job.string("TransferKey") == "k#1");
  Ad info;
  info.set("HasReconnect", true);
  CHECK(shadow.register_starter(info));
  const SessionInfo sessions = must(shadow.session_info());
  CHECK(sessions.reconnect.id == "r");
  CHECK(sessions.reconnect.key.reveal() == "rk");
  CHECK(sessions.transfer.id == "f");
  CHECK(sessions.transfer.info == "[fi]");
  CHECK(sessions.transfer.key.reveal() == "fk");
  CHECK(shadow.begin_execution());
  CHECK(shadow.update(info));
  CHECK(shadow.termination(info));
  CHECK(shadow.exit(3 << 8, ExitReason::exited, info));
  CHECK(peer.get() == std::vector<std::int64_t>{-63, -77, 288, -78, -81, -82, -65, 768, 100});
}

TEST_CASE("shadow: a refusal names the call and the errno, and the channel goes on", "[shadow]") {
  CondorPair pair = condor_pair();
  Shadow shadow(std::move(pair.ours));
  auto peer = played([peer = std::move(pair.peer)]() mutable {
    static_cast<void>(peer.receive());
    MessageWriter refusal = peer.writer();
    refusal.integer(-1).integer(EACCES);
    peer.send(refusal);
    static_cast<void>(peer.receive());
    peer.integer(0);
  });
  const Result<void> refused = shadow.update(Ad());
  REQUIRE(!refused);
  CHECK(refused.error().fault == Fault::denied);
  CHECK(refused.error().text == "register_job_info: the shadow answered EACCES");
  CHECK(shadow.update(Ad()));
  peer.get();
}

TEST_CASE("shadow: hold is an event without an answer, on one line", "[shadow]") {
  CondorPair pair = condor_pair();
  Shadow shadow(std::move(pair.ours));
  REQUIRE(shadow.hold({HoldCode::out_of_resources, kOutOfMemory, "too\nmuch"}, "slot1@pod"));
  MessageReader message = pair.peer.receive();
  CHECK(must(message.integer()) == 284);
  const Ad event = must(get_ad(message));
  CHECK(event.string("MyType") == "RemoteErrorEvent");
  CHECK(event.integer("EventTypeNumber") == 21);
  CHECK(event.string("ErrorMsg") == "too\\x0amuch");
  CHECK(event.string("ExecuteHost") == "slot1@pod");
  CHECK(event.boolean("CriticalError") == true);
  CHECK(event.integer("HoldReasonCode") == 34);
  CHECK(event.integer("HoldReasonSubCode") == 102);
}

TEST_CASE("shadow: hanging up after job_exit is an answer, before it is a lost connection",
          "[shadow]") {
  const bool exits = GENERATE(true, false);
  CondorPair pair = condor_pair();
  Shadow shadow(std::move(pair.ours));
  auto peer =
      played([peer = std::move(pair.peer)]() mutable { static_cast<void>(peer.receive()); });
  const Result<void> result =
      exits ? shadow.exit(0, ExitReason::exited, Ad()) : shadow.termination(Ad());
  CHECK(result.has_value() == exits);
  if (!result) {
    CHECK(result.error().fault == Fault::transient);
    CHECK(result.error().text == "job_termination: the shadow closed the connection");
  }
  peer.get();
}

TEST_CASE("shadow: a shadow that does not answer is given up", "[shadow]") {
  CondorPair pair = condor_pair();
  Shadow shadow(std::move(pair.ours), std::chrono::seconds(0));
  const Result<void> result = shadow.begin_execution();
  REQUIRE(!result);
  CHECK(result.error().fault == Fault::transient);
}

TEST_CASE("shadow: the stop descriptor ends a wait", "[shadow]") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd stop(ends[0]);
  const UniqueFd ring(ends[1]);
  CondorPair pair = condor_pair(stop);
  Shadow shadow(std::move(pair.ours));
  REQUIRE(::write(ring.get(), "x", 1) == 1);
  const Result<Ad> job = shadow.job_info();
  REQUIRE(!job);
  CHECK(job.error().fault == Fault::transient);
}

TEST_CASE("shadow: answers that are none of the protocol's", "[shadow]") {
  CondorPair pair = condor_pair();
  Shadow shadow(std::move(pair.ours));
  auto peer = played([peer = std::move(pair.peer)]() mutable {
    static_cast<void>(peer.receive());
    peer.integer(0);  // job_info without an ad
    static_cast<void>(peer.receive());
    peer.bytes("abc");
    static_cast<void>(peer.receive());
    MessageWriter few = peer.writer();
    few.integer(0).string("only").string("two");
    peer.send(few);
  });
  for (const Fault fault : {shadow.job_info().error().fault, shadow.update(Ad()).error().fault,
                            shadow.session_info().error().fault})
    CHECK(fault == Fault::invalid);
  peer.get();
}

TEST_CASE("shadow: docker credentials, and a shadow that has none", "[shadow]") {
  CondorPair pair = condor_pair();
  Shadow shadow(std::move(pair.ours));
  auto peer = played([peer = std::move(pair.peer)]() mutable {
    static_cast<void>(peer.receive());
    peer.ad("auths = [ ]");
    static_cast<void>(peer.receive());
    peer.ad("HTCondorError = \"no config.json\"");
  });
  CHECK(must(shadow.docker_credentials()).has("auths"));
  const Result<Ad> none = shadow.docker_credentials();
  REQUIRE(!none);
  CHECK(none.error().fault == Fault::denied);
  CHECK(none.error().text == "get_docker_creds: no config.json");
  peer.get();
}
