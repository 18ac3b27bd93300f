// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/token.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "agent/scheduler/htcondor/security/akep2.h"
#include "test/catch.h"
#include "test/support/fake_pool.h"
#include "test/support/hex.h"
#include "test/support/temp_dir.h"

namespace podpilot::agent::htcondor {
namespace {

using test::fake_token;

constexpr const char* kToken =
    "eyJhbGciOiJIUzI1NiIsImtpZCI6IlBPT0wifQ."
    "eyJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoicG9vbCIsImp0aSI6IjEiLCJzY29wZSI6ImNvbm"
    "RvcjpcL0FEVkVSVElTRV9TVEFSVEQgY29uZG9yOlwvUkVBRCIsInN1YiI6InBpbG90QHBvb2wifQ."
    "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM";

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

TEST_CASE("a token's parts", "[htcondor][security]") {
  const auto token = parse_id_token(kToken);
  REQUIRE(token);
  CHECK(token->subject == "pilot@pool");
  CHECK(token->issuer == "pool");
  CHECK(token->key_id == "POOL");
  CHECK(token->issued_at == 1'700'000'000);
  CHECK(token->expires == 4'102'444'800);
  CHECK(token->scopes == std::vector<std::string>{"condor:/ADVERTISE_STARTD", "condor:/READ"});
  CHECK(token->signature.reveal().size() == 32);
  CHECK(std::string(kToken).starts_with(token->signed_part + "."));
}

TEST_CASE("the proofs that another implementation makes of a token", "[htcondor][security]") {
  const auto token = parse_id_token(kToken);
  REQUIRE(token);
  const std::string ours(kNonce, '\x11');
  const std::string theirs(kNonce, '\x22');
  const auto challenge = [&](const std::string& proof) {
    MessageWriter out;
    out.integer(0).integer(10).string("pilot@pool").integer(15).string("condor@password");
    out.integer(256).bytes(ours).integer(256).bytes(theirs);
    out.integer(static_cast<std::int64_t>(proof.size())).bytes(proof);
    return MessageReader(out.body(), Coding::clear);
  };
  Akep2Client client(*token, ours);
  MessageWriter hello;
  client.put_hello(hello);
  CHECK_FALSE(hello.body().contains(token->signature.reveal()));
  MessageReader good = challenge(test::from_hex("5024fb3a3a5b5a6d607a1728a378c6d6ce11b370"));
  REQUIRE(client.take_challenge(good));
  MessageWriter proof;
  client.put_proof(proof);
  CHECK(test::to_hex(proof.body()).ends_with("b4d57844121c858b7dcf8504ebdff6484c392936"));

  Akep2Client deceived(*token, ours);
  MessageReader bad = challenge(test::from_hex("5024fb3a3a5b5a6d607a1728a378c6d6ce11b371"));
  CHECK(deceived.take_challenge(bad).error().fault == Fault::denied);
  CHECK(deceived.refusal() == Akep2Client::Refusal::key);
  Akep2Client cut(*token, ours);
  MessageReader empty = challenge("");
  CHECK_FALSE(cut.take_challenge(empty));
  Akep2Client other(*token, std::string(kNonce, '\x33'));
  MessageReader replayed = challenge(test::from_hex("5024fb3a3a5b5a6d607a1728a378c6d6ce11b370"));
  CHECK(other.take_challenge(replayed).error().fault == Fault::invalid);
}

TEST_CASE("what is no token is refused without being repeated", "[htcondor][security]") {
  const std::string good = fake_token();
  const std::string payload = good.substr(good.find('.') + 1, good.rfind('.') - good.find('.') - 1);
  const std::string header = good.substr(0, good.find('.'));
  for (const std::string& text :
       {std::string(""), std::string("a.b"), std::string("a.b.c.d"), header + "." + payload + ".",
        header + "." + payload + ".hunter2=", header + "." + payload.substr(0, 20) + ".aGk",
        "e30." + payload + ".aGk", header + ".e30.aGk", header + ".WzFd.aGk",
        header + "." + payload + "." + std::string(70'000, 'a')}) {
    CAPTURE(text.substr(0, 60));
    const auto token = parse_id_token(text);
    REQUIRE_FALSE(token);
    CHECK(token.error().fault == Fault::invalid);
    CHECK_FALSE(token.error().text.contains("hunter2"));
    CHECK_FALSE(token.error().text.contains(payload.substr(0, 10)));
  }
  CHECK(parse_id_token(fake_token(R"({"sub":null})"))->subject == "1");  // a capability
}

TEST_CASE("why a pool may have refused", "[htcondor][security]") {
  const auto token = parse_id_token(fake_token(R"({"iat":1000,"exp":2000})"));
  REQUIRE(token);
  CHECK_FALSE(why_refused(*token, 1500));
  CHECK(why_refused(*token, 2000)->contains("expired"));
  CHECK(why_refused(*token, 999)->contains("in the future"));
}

TEST_CASE("a token is chosen by trust domain and key", "[htcondor][security]") {
  const test::TempDir folder;
  const std::string& path = folder.path();
  write_file(path + "/10-other", "# a comment\n\n" + fake_token(R"({"iss":"other"})") + "\n");
  write_file(path + "/20-broken", "rubbish\n" + fake_token(R"({"sub":"b@pool","kid":"NEW"})"));
  write_file(path + "/30-pool", "  " + fake_token(R"({"sub":"c@pool"})") + " \r\n");
  write_file(path + "/.00-hidden", fake_token(R"({"sub":"hidden@pool"})"));
  write_file(path + "/00-backup~", fake_token(R"({"sub":"backup@pool"})"));
  ::mkdir((path + "/00-folder").c_str(), 0700);
  const TokenSource source = TokenSource::from_path(path);
  CHECK(source.choose("pool", {})->subject == "b@pool");
  CHECK(source.choose("pool", {"POOL"})->subject == "c@pool");
  CHECK(source.choose("other", {"POOL"})->issuer == "other");
  CHECK(source.choose("", {})->issuer == "other");
  const auto nobody = source.choose("elsewhere", {});
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().fault == Fault::denied);
  CHECK(nobody.error().text ==
        "wrong issuer: the pool's trust domain is elsewhere, the token's is other, pool");
  CHECK(source.choose("pool", {"OLD"}).error().text ==
        "wrong key: the pool knows OLD, the token was signed with NEW, POOL");
  // A mounted Secret is a folder of links.
  ::unlink((path + "/10-other").c_str());
  REQUIRE(::symlink("30-pool", (path + "/00-link").c_str()) == 0);
  CHECK(source.choose("", {})->subject == "c@pool");
}

TEST_CASE("a token file is read again each time", "[htcondor][security]") {
  const test::TempDir folder;
  const std::string file = folder.path() + "/token";
  const TokenSource source = TokenSource::from_path(file);
  CHECK(source.choose("pool", {}).error().fault == Fault::not_found);
  write_file(file, "");
  CHECK(source.choose("pool", {}).error().fault == Fault::denied);
  write_file(file, fake_token());
  CHECK(source.choose("pool", {})->subject == "pilot@pool");
  write_file(file, fake_token(R"({"sub":"new@pool"})"));
  CHECK(source.choose("pool", {})->subject == "new@pool");
  CHECK_FALSE(TokenSource().choose("", {}));
}

TEST_CASE("a token of the environment is wiped from there", "[htcondor][security]") {
  const std::string token = fake_token();
  ::setenv("PODPILOT_TEST_TOKEN", token.c_str(), 1);
  const char* block = ::getenv("PODPILOT_TEST_TOKEN");
  REQUIRE(block == token);
  const auto source = TokenSource::from_environment("PODPILOT_TEST_TOKEN");
  REQUIRE(source);
  CHECK(source->choose("pool", {"POOL"})->subject == "pilot@pool");
  CHECK(std::string(block, token.size()) == std::string(token.size(), '\0'));
  CHECK(::getenv("PODPILOT_TEST_TOKEN") == nullptr);
  CHECK(TokenSource::from_environment("PODPILOT_TEST_TOKEN").error().fault == Fault::not_found);
}

}  // namespace
}  // namespace podpilot::agent::htcondor
