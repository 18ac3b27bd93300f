// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/claim_id.h"

#include "agent/scheduler/htcondor/security/session.h"
#include "test/catch.h"

namespace podpilot::agent::htcondor {
namespace {

TEST_CASE("a claim id of a real startd", "[htcondor][security]") {
  const std::string text =
      "<127.0.0.1:9757?addrs=127.0.0.1-9757&alias=127-0-0-1.pool>#1795296119#5#"
      "[Encryption=\"YES\";Integrity=\"YES\";ShortVersion=\"25.14.1\";CryptoMethods=\"BLOWFISH\";"
      "CryptoMethodsList=\"AES.BLOWFISH.3DES\";]00112233445566778899aabbccddeeff";
  const auto claim = parse_claim_id(text);
  REQUIRE(claim);
  CHECK(claim->session_id() ==
        "<127.0.0.1:9757?addrs=127.0.0.1-9757&alias=127-0-0-1.pool>#1795296119#5");
  CHECK(claim->secret().reveal() == "00112233445566778899aabbccddeeff");
  CHECK(claim->reveal() == text);
  CHECK_FALSE(claim->public_part().contains("0011"));
  const Session session = session_of(*claim);
  CHECK(session.id == claim->session_id());
  CHECK(session.key == session_key("00112233445566778899aabbccddeeff"));
  CHECK(session.user == kSubmitSide);
}

TEST_CASE("claim ids of ours", "[htcondor][security]") {
  const SecretClaimId one = mint_claim_id("<10.0.0.1:1?CCBID=a:1#2>", 1795296119, 7);
  CHECK(one.session_id() == "<10.0.0.1:1?CCBID=a:1#2>#1795296119#7");
  CHECK(one.secret().reveal().size() == 64);
  const auto again = parse_claim_id(one.reveal());
  REQUIRE(again);
  CHECK(*again == one);
  CHECK_FALSE(mint_claim_id("<10.0.0.1:1?CCBID=a:1#2>", 1795296119, 7) == one);
  CHECK(one.info().find("ValidCommands") == std::string::npos);
  const Command commands[] = {Command::drain_jobs, Command::dc_off_fast};
  const SecretClaimId two = mint_claim_id("<10.0.0.1:1>", 1, 1, commands);
  CHECK(two.info().ends_with(R"(;ValidCommands="512,60006";])"));
  CHECK(*parse_claim_id(two.reveal()) == two);
}

TEST_CASE("what is no claim id is refused without being repeated", "[htcondor][security]") {
  for (const std::string& text :
       {std::string(""), std::string("hunter2"), std::string("#hunter2"), std::string("a#1#2#"),
        std::string("a#1#2#[hunter2"), std::string("a#1#2#[x]"), std::string("a b#1#hunter2"),
        std::string("a#1#hunter\n2"), std::string("a#1#hunter2\0", 12),
        "a#hunter2" + std::string(20'000, 'x')}) {
    CAPTURE(text.substr(0, 40));
    const auto claim = parse_claim_id(text);
    REQUIRE_FALSE(claim);
    CHECK(claim.error().fault == Fault::invalid);
    CHECK_FALSE(claim.error().text.contains("hunter2"));
  }
}

TEST_CASE("sessions that shadows hand out", "[htcondor][security]") {
  const auto session =
      session_of_exported("filetrans.x#1#2",
                          "[Encryption=\"YES\";CryptoMethods=\"BLOWFISH\";CryptoMethodsList="
                          "\"AES.BLOWFISH.3DES\";]",
                          "k3y");
  REQUIRE(session);
  CHECK(session->key == session_key("k3y"));
  CHECK(session_of_exported("id", "", "k3y"));
  CHECK(session_of_exported("id", "[CryptoMethods=\"AES\";]", "k3y"));
  CHECK(session_of_exported("id", "[CryptoMethods=\"BLOWFISH.3DES\";]", "k3y").error().fault ==
        Fault::unsupported);
  CHECK_FALSE(session_of_exported("", "", "k3y"));
  CHECK_FALSE(session_of_exported("id", "", ""));
}

}  // namespace
}  // namespace podpilot::agent::htcondor
