// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/claim.h"

#include <utility>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/classad/wire.h"
#include "test/catch.h"
#include "test/support/condor_peer.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;
using podpilot::test::condor_pair;
using podpilot::test::CondorPair;
using podpilot::test::CondorPeer;
using podpilot::test::must;

namespace {

constexpr std::string_view kId =
    "<127.0.0.1:9757>#1795296120#2#[Encryption=\"YES\";CryptoMethods=\"AES\";]"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
constexpr std::string_view kOther =
    "<127.0.0.1:9757>#1795296120#3#[Encryption=\"YES\";CryptoMethods=\"AES\";]"
    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

Deadline soon() {
  return Deadline::after(std::chrono::seconds(20));
}

// As the schedds of both captured versions send it.
constexpr std::string_view kFlags =
    "_condor_CLAIM_PARTITIONABLE_SLOT = false\n_condor_NUM_DYNAMIC_SLOTS = 1\n"
    "_condor_SECURE_CLAIM_ID = true\n_condor_SEND_CLAIMED_AD = true\n"
    "_condor_SEND_LEFTOVERS = true\n_condor_StartdHandlesAlives = true\n"
    "StartdSendsAlives = true\nRequestCpus = 1\n";

MessageWriter claim_request(CondorPeer& peer, std::string_view lines, std::string_view schedd,
                            std::int64_t interval) {
  MessageWriter message = peer.writer();
  message.string(kId);
  put_ad(message, must(parse_ad(lines)));
  message.string(schedd).integer(interval);
  return message;
}

ClaimedSlot slot(std::string_view id, std::string_view name) {
  ClaimedSlot made{must(parse_claim_id(id)), Ad()};
  made.ad.set("Name", name);
  return made;
}

}  // namespace

TEST_CASE("claim: REQUEST_CLAIM with its flags taken out of the job ad", "[claim]") {
  CondorPair pair = condor_pair();
  const bool counted = GENERATE(true, false);  // the count at the end may be absent
  MessageWriter message = claim_request(pair.peer, kFlags, "<127.0.0.1:9666?sock=schedd>", 300);
  if (counted) message.integer(0);
  pair.peer.send(message);
  const ClaimRequest request = must(read_claim_request(pair.ours, soon()));
  CHECK(request.claim_id.reveal() == kId);
  CHECK(request.schedd.port == 9666);
  CHECK(request.schedd.sock == "schedd");
  CHECK(request.alive_interval == std::chrono::seconds(300));
  CHECK(request.more_claims.empty());
  CHECK(request.secure_claim_id);
  CHECK(request.send_claimed_ad);
  CHECK(request.send_leftovers);
  CHECK(!request.claim_partitionable_slot);
  CHECK(request.dynamic_slots == 1);
  CHECK(request.startd_sends_alive);
  CHECK(request.alive_by_updates);
  CHECK(request.job.integer("RequestCpus") == 1);
  CHECK(!request.job.has("_condor_SEND_LEFTOVERS"));
  CHECK(!request.job.has("_condor_NUM_DYNAMIC_SLOTS"));
}

TEST_CASE("claim: REQUEST_CLAIM that preempts, for several slots", "[claim]") {
  CondorPair pair = condor_pair();
  MessageWriter message = claim_request(
      pair.peer, "_condor_NUM_DYNAMIC_SLOTS = 3\n_condor_CLAIM_PARTITIONABLE_SLOT = true\n",
      "<127.0.0.1:9666>", 0);
  message.integer(2).string(kOther).string(kId);
  pair.peer.send(message);
  const ClaimRequest request = must(read_claim_request(pair.ours, soon()));
  REQUIRE(request.more_claims.size() == 2);
  CHECK(request.more_claims[0].reveal() == kOther);
  CHECK(request.dynamic_slots == 3);
  CHECK(request.claim_partitionable_slot);
  CHECK(!request.send_leftovers);
}

TEST_CASE("claim: what is no REQUEST_CLAIM", "[claim]") {
  CondorPair pair = condor_pair();
  MessageWriter message = pair.peer.writer();
  SECTION("no claim id") {
    message.string("nothing");
  }
  SECTION("no ad") {
    message.string(kId).integer(-1);
  }
  SECTION("no address") {
    message = claim_request(pair.peer, "", "no address", 300);
  }
  SECTION("a negative interval") {
    message = claim_request(pair.peer, "", "<127.0.0.1:1>", -1);
  }
  SECTION("an endless interval") {
    message = claim_request(pair.peer, "", "<127.0.0.1:1>", INT64_MAX);
  }
  SECTION("more claims than any slot has") {
    message = claim_request(pair.peer, "", "<127.0.0.1:1>", 300);
    message.integer(static_cast<std::int64_t>(kMaxClaims) + 1);
  }
  SECTION("fewer claims than announced") {
    message = claim_request(pair.peer, "", "<127.0.0.1:1>", 300);
    message.integer(2).string(kOther);
  }
  pair.peer.send(message);
  const Result<ClaimRequest> request = read_claim_request(pair.ours, soon());
  REQUIRE(!request);
  CHECK(request.error().fault == Fault::invalid);
  CHECK(request.error().text.find("0123456789abcdef") == std::string::npos);
}

TEST_CASE("claim: the reply has what was asked for", "[claim]") {
  CondorPair pair = condor_pair();
  ClaimReply reply{true, {}, slot(kOther, "slot1@pod")};
  reply.slots.push_back(slot(kId, "slot1_1@pod"));
  ClaimRequest request;
  const auto answer = [&] {
    must(answer_claim_request(pair.ours, request, reply, soon()));
    return pair.peer.receive();
  };

  SECTION("refused") {
    reply.accepted = false;
    MessageReader message = answer();
    CHECK(must(message.integer()) == 0);
    CHECK(message.left() == 0);
  }
  SECTION("nothing asked for") {
    MessageReader message = answer();
    CHECK(must(message.integer()) == 1);
    CHECK(message.left() == 0);
  }
  SECTION("slot and leftovers") {
    request.send_claimed_ad = request.send_leftovers = true;
    request.secure_claim_id = GENERATE(true, false);
    MessageReader message = answer();
    CHECK(must(message.integer()) == 7);
    CHECK(must(message.string()) == kId);
    CHECK(must(get_ad(message)).string("Name") == "slot1_1@pod");
    CHECK(must(message.integer()) == (request.secure_claim_id ? 5 : 3));
    CHECK(must(message.string()) == kOther);
    CHECK(must(get_ad(message)).string("Name") == "slot1@pod");
    CHECK(message.left() == 0);
  }
  SECTION("a static slot has no leftovers") {
    request.send_claimed_ad = request.send_leftovers = true;
    reply.leftovers.reset();
    MessageReader message = answer();
    CHECK(must(message.integer()) == 7);
    static_cast<void>(must(message.string()));
    static_cast<void>(must(get_ad(message)));
    CHECK(must(message.integer()) == 1);
    CHECK(message.left() == 0);
  }
}

TEST_CASE("claim: ACTIVATE_CLAIM, and why not where a shadow wants to know", "[claim]") {
  CondorPair pair = condor_pair();
  const bool wants = GENERATE(true, false);
  MessageWriter message = pair.peer.writer();
  message.string(kId).integer(2);
  put_ad(message, must(parse_ad(wants ? "ProcId = 4\n_condor_send_activation_failure_ad = true"
                                      : "ProcId = 4")));
  pair.peer.send(message);
  const Activation activation = must(read_activation(pair.ours, soon()));
  CHECK(activation.claim_id.reveal() == kId);
  CHECK(activation.job.integer("ProcId") == 4);
  CHECK(activation.wants_reason == wants);
  CHECK(!activation.job.has("_condor_send_activation_failure_ad"));

  const Reason why{HoldCode::activation_still_cleaning, 0, "the job before is being removed"};
  must(answer_activation(pair.ours, activation, ActivateReply::try_again, why, soon()));
  MessageReader refusal = pair.peer.receive();
  CHECK(must(refusal.integer()) == 2);
  CHECK((refusal.left() > 0) == wants);
  if (wants) CHECK(must(get_ad(refusal)).integer("VacateReasonCode") == 1028);
  must(answer_activation(pair.ours, activation, ActivateReply::ok, why, soon()));
  MessageReader accepted = pair.peer.receive();
  CHECK(must(accepted.integer()) == 1);
  CHECK(accepted.left() == 0);
}

TEST_CASE("claim: the five ways to ask for an end", "[claim]") {
  CHECK(deactivation_kind(static_cast<Command>(403)) == DeactivationKind::graceful);
  CHECK(deactivation_kind(static_cast<Command>(404)) == DeactivationKind::forcible);
  CHECK(deactivation_kind(static_cast<Command>(413)) == DeactivationKind::job_done);
  CHECK(deactivation_kind(static_cast<Command>(561)) == DeactivationKind::final_transfer);
  CHECK(deactivation_kind(static_cast<Command>(554)) == DeactivationKind::check);
  CHECK(!deactivation_kind(Command::release_claim));

  CondorPair pair = condor_pair();
  pair.peer.string(kId);
  CHECK(must(read_claim_id(pair.ours, soon())).reveal() == kId);
  must(answer_deactivation(pair.ours, {false, true}, soon()));
  Ad answer = pair.peer.expect_ad();
  CHECK(answer.boolean("Start") == false);
  CHECK(answer.boolean("StillCleaning") == true);
  must(answer_deactivation(pair.ours, {}, soon()));
  answer = pair.peer.expect_ad();
  CHECK(answer.boolean("Start") == true);
  CHECK(!answer.has("StillCleaning"));
}

TEST_CASE("claim: a shadow that looks for its starter and comes back", "[claim]") {
  CondorPair pair = condor_pair();
  pair.peer.ad("MyType = \"Command\"\nCommand = \"CA_LOCATE_STARTER\"\nClaimId = " + quoted(kId) +
               "\nGlobalJobId = \"ap@pool#2.0#1\"\nScheddIpAddr = \"<127.0.0.1:1>\"");
  const CaCommand locate = must(read_ca_command(pair.ours, soon()));
  REQUIRE(std::holds_alternative<LocateStarter>(locate));
  CHECK(std::get<LocateStarter>(locate).claim_id.reveal() == kId);
  CHECK(std::get<LocateStarter>(locate).global_job_id == "ap@pool#2.0#1");
  must(starter_located(pair.ours, "<10.1.1.1:1?CCBID=x>", soon()));
  Ad answer = pair.peer.expect_ad();
  CHECK(answer.string("Result") == "Success");
  CHECK(answer.string("StarterIpAddr") == "<10.1.1.1:1?CCBID=x>");

  pair.peer.ad(
      "Command = \"CA_RECONNECT_JOB\"\nShadowIpAddr = \"<127.0.0.1:2>\"\nTransferKey = \"k\"\n"
      "TransferSocket = \"<127.0.0.1:3>\"\nUidDomain = \"pool\"\nShadowVersion = \"v\"");
  const CaCommand reconnect = must(read_ca_command(pair.ours, soon()));
  REQUIRE(std::holds_alternative<ReconnectJob>(reconnect));
  CHECK(std::get<ReconnectJob>(reconnect).transfer_key == "k");
  CHECK(std::get<ReconnectJob>(reconnect).transfer_socket == "<127.0.0.1:3>");
  Ad info;
  info.set("HasReconnect", true);
  must(reconnect_accepted(pair.ours, info, soon()));
  answer = pair.peer.expect_ad();
  CHECK(answer.string("Result") == "Success");
  CHECK(answer.boolean("HasReconnect") == true);

  pair.peer.ad("Command = \"CA_SUSPEND_CLAIM\"");
  const CaCommand unknown = must(read_ca_command(pair.ours, soon()));
  REQUIRE(std::holds_alternative<UnknownCaCommand>(unknown));
  CHECK(std::get<UnknownCaCommand>(unknown).name == "CA_SUSPEND_CLAIM");
  must(ca_command_refused(pair.ours, "not here", soon()));
  answer = pair.peer.expect_ad();
  CHECK(answer.string("Result") == "Failure");
  CHECK(answer.string("ErrorString") == "not here");
}

TEST_CASE("claim: drain requests", "[claim]") {
  CondorPair pair = condor_pair();
  pair.peer.ad(
      "HowFast = 10\nResumeOnCompletion = 2\nDrainReason = \"upgrade\"\n"
      "Deadline = 1795296120\nCheckExpr = Cpus > 1\nStartExpr = false");
  DrainRequest drain = must(read_drain(pair.ours, soon()));
  CHECK(drain.speed == DrainSpeed::quick);
  CHECK(drain.then == AfterDrain::exit);
  CHECK(drain.reason == "upgrade");
  CHECK(drain.deadline == 1795296120);
  CHECK(drain.check == "Cpus > 1");
  CHECK(drain.start == "false");
  must(answer_drain(pair.ours, std::string("7"), soon()));
  Ad answer = pair.peer.expect_ad();
  CHECK(answer.boolean("Result") == true);
  CHECK(answer.string("RequestID") == "7");

  struct {
    std::string_view lines;
    DrainSpeed speed;
    AfterDrain then;
  } rows[] = {{"", DrainSpeed::graceful, AfterDrain::nothing},
              {"HowFast = 9\nResumeOnCompletion = 1", DrainSpeed::graceful, AfterDrain::resume},
              {"HowFast = 19\nResumeOnCompletion = 77", DrainSpeed::quick, AfterDrain::nothing},
              {"HowFast = 1000\nResumeOnCompletion = -1", DrainSpeed::fast, AfterDrain::nothing}};
  for (const auto& row : rows) {
    pair.peer.ad(row.lines);
    drain = must(read_drain(pair.ours, soon()));
    CHECK(drain.speed == row.speed);
    CHECK(drain.then == row.then);
    CHECK(!drain.deadline);
  }

  pair.peer.ad("RequestID = \"7\"");
  CHECK(must(read_cancel_drain(pair.ours, soon())) == "7");
  must(answer_drain(pair.ours, Error{Fault::not_found, "no such request"}, soon()));
  answer = pair.peer.expect_ad();
  CHECK(answer.boolean("Result") == false);
  CHECK(answer.string("ErrorString") == "no such request");
}

TEST_CASE("claim: VACATE_CLAIM names a slot", "[claim]") {
  CondorPair pair = condor_pair();
  pair.peer.string("slot1_1@pod");
  CHECK(must(read_slot_name(pair.ours, soon())) == "slot1_1@pod");
}
