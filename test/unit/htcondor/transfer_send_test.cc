// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <map>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/classad/wire.h"
#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "test/catch.h"
#include "test/support/condor_peer.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;
using podpilot::test::condor_pair;
using podpilot::test::CondorPair;
using podpilot::test::CondorPeer;
using podpilot::test::must;
using podpilot::test::played;
using podpilot::test::TempDir;

namespace {

struct Arrived {
  std::string content;
  std::int64_t mode = 0;
  bool folder = false;
};

// What a shadow hears of one transfer.
struct Heard {
  std::int64_t final_flag = -1;
  std::int64_t sandbox_size = -1;
  std::map<std::string, Arrived> entries;
  Ad ack;
};

struct Answers {
  std::string go_ahead = "Result = 2\nMaxTransferBytes = -1";
  std::string ack = "Result = 0\nTransferStats = [ ]";
};

Heard hear(CondorPeer& peer, const Answers& answers) {
  Heard heard;
  if (peer.expect_string() != "key#1") throw std::runtime_error("no key");
  MessageReader first = peer.receive();
  heard.final_flag = must(first.integer());
  heard.sandbox_size = must(get_ad(first)).integer("SandboxSize").value_or(-1);
  for (bool agreed = false;; agreed = true) {
    const std::int64_t command = peer.expect_integer();
    if (command == 0) break;
    Arrived& entry = heard.entries[peer.expect_string()];
    if (!agreed) {
      static_cast<void>(peer.expect_integer());
      peer.ad(answers.go_ahead);
      if (answers.go_ahead.find("Result = -1") == 0) return heard;
      peer.integer(300);
      if (peer.expect_ad().integer("Result") != 2) throw std::runtime_error("not to go ahead");
    }
    entry.mode = peer.expect_integer();
    entry.folder = command == 6;
    if (command == 1) entry.content = peer.expect_file();
  }
  heard.ack = peer.expect_ad();
  peer.ad(answers.ack);
  return heard;
}

struct Sent {
  TransferOutcome outcome;
  Heard heard;
};

Sent send(const TempDir& dir, const OutgoingFiles& files, const Answers& answers = {},
          TransferKind kind = TransferKind::final) {
  CondorPair pair = condor_pair();
  auto shadow =
      played([peer = std::move(pair.peer), answers]() mutable { return hear(peer, answers); });
  Sent sent;
  {
    Stream stream = std::move(pair.ours);
    sent.outcome = send_files(stream, "key#1", dir.fd(), files, kind, {});
  }
  sent.heard = shadow.get();
  return sent;
}

OutgoingFiles named(const std::vector<std::string>& names) {
  OutgoingFiles files;
  for (const std::string& name : names) files.files.push_back({name, name, false});
  return files;
}

}  // namespace

TEST_CASE("send: files, folders, empty, large, modes", "[transfer]") {
  TempDir dir;
  std::string large(2'500'000, 'y');
  for (std::size_t i = 0; i < large.size(); i += 991) large[i] = static_cast<char>(i);
  dir.write("out", "content");
  dir.write("empty", "");
  dir.write("large", large);
  dir.write("d/in \xc3\xa4", "in");
  REQUIRE(::chmod((dir / "large").c_str(), 0755) == 0);
  REQUIRE(::chmod((dir / "out").c_str(), 0640) == 0);
  REQUIRE(::chmod((dir / "d").c_str(), 0750) == 0);
  OutgoingFiles files = named({"empty", "large"});
  files.files.push_back({"d", "d", true});
  files.files.push_back({"d/in \xc3\xa4", "d/in \xc3\xa4", false});
  files.files.push_back({"out", "_condor_stdout", false});
  files.bytes = 123;
  const bool last = GENERATE(true, false);
  const Sent sent = send(dir, files, {}, last ? TransferKind::final : TransferKind::intermediate);
  CHECK(sent.outcome.verdict == TransferVerdict::done);
  CHECK(sent.outcome.bytes == large.size() + 9);
  CHECK(sent.outcome.files == 5);
  CHECK(sent.outcome.top_level == std::vector<std::string>{"empty", "large", "d"});
  CHECK(sent.heard.final_flag == (last ? 1 : 0));
  CHECK(sent.heard.sandbox_size == 123);
  const auto& entries = sent.heard.entries;
  REQUIRE(entries.size() == 5);
  CHECK((entries.at("large").content == large));
  CHECK(entries.at("large").mode == 0755);
  CHECK(entries.at("empty").content == "");
  CHECK(entries.at("d").folder);
  CHECK(entries.at("d").mode == 0750);
  CHECK(entries.at("d/in \xc3\xa4").content == "in");
  CHECK(entries.at("_condor_stdout").content == "content");
  CHECK(entries.at("_condor_stdout").mode == 0640);
  CHECK(sent.heard.ack.integer("Result") == 0);
}

TEST_CASE("send: nothing", "[transfer]") {
  TempDir dir;
  const Sent sent = send(dir, {});
  CHECK(sent.outcome.verdict == TransferVerdict::done);
  CHECK(sent.heard.entries.empty());
}

TEST_CASE("send: what cannot be read fails in the end, the others arrive", "[transfer]") {
  TempDir outside;
  outside.write("secret", "of the pilot");
  TempDir dir;
  dir.write("fine", "1");
  dir.write("folder/x", "1");
  REQUIRE(::symlink((outside / "secret").c_str(), (dir / "absolute").c_str()) == 0);
  REQUIRE(::symlink("../../../../../../etc/passwd", (dir / "relative").c_str()) == 0);
  REQUIRE(::symlink(outside.path().c_str(), (dir / "way").c_str()) == 0);
  REQUIRE(::symlink("loop", (dir / "loop").c_str()) == 0);
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  struct {
    const char* name;
    int number;
  } rows[] = {
      {"missing", ENOENT}, {"absolute", ENOENT}, {"relative", ENOENT},   {"way/secret", ENOENT},
      {"loop", ENOTDIR},   {"fifo", EINVAL},     {"folder", EISDIR},     {"/etc/passwd", EPERM},
      {"../x", EPERM},     {"", EPERM},          {"fine/below", ENOTDIR}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    OutgoingFiles files = named({row.name, "fine"});
    files.files[0].name = "bad";
    const Sent sent = send(dir, files);
    CHECK(sent.outcome.verdict == TransferVerdict::hold);
    CHECK(sent.outcome.why.code == HoldCode::upload_file);
    CHECK(sent.outcome.why.subcode == row.number);
    CHECK(sent.outcome.why.text.find("|Error: reading from file") != std::string::npos);
    CHECK(sent.outcome.top_level == std::vector<std::string>{"fine"});
    CHECK(sent.heard.entries.at("bad").mode == 1 << 24);
    CHECK(sent.heard.entries.at("bad").content == "");
    CHECK(sent.heard.entries.at("fine").content == "1");
    CHECK(sent.heard.ack.integer("Result") == -1);
    CHECK(sent.heard.ack.integer("HoldReasonCode") == 13);
    CHECK(sent.heard.ack.integer("HoldReasonSubCode") == row.number);
  }
  const Sent several = send(dir, named({"gone", "lost"}));
  CHECK(
      several.outcome.why.text ==
      "STARTER failed to send file(s): |Error: 2 total failures: first failure: reading from file "
      "gone: (errno 2) No such file or directory");
}

TEST_CASE("send: a link that stays inside is what it leads to", "[transfer]") {
  TempDir dir;
  dir.write("v1", "content");
  REQUIRE(::symlink("v1", (dir / "out").c_str()) == 0);
  const Sent sent = send(dir, named({"out"}));
  CHECK(sent.outcome.verdict == TransferVerdict::done);
  CHECK(sent.heard.entries.at("out").content == "content");
}

TEST_CASE("send: no more than the access point takes", "[transfer]") {
  TempDir dir;
  dir.write("a", std::string(60, 'a'));
  dir.write("b", std::string(41, 'b'));
  dir.write("c", std::string(40, 'c'));
  Answers answers;
  answers.go_ahead = "Result = 2\nMaxTransferBytes = 100";
  const Sent sent = send(dir, named({"a", "b", "c"}), answers);
  CHECK(sent.outcome.verdict == TransferVerdict::hold);
  CHECK(sent.outcome.why.code == HoldCode::max_transfer_output_size);
  CHECK(sent.outcome.bytes == 100);
  CHECK(sent.heard.entries.at("b").content == "");
  CHECK(sent.heard.entries.at("c").content == std::string(40, 'c'));
}

TEST_CASE("send: the shadow's failure", "[transfer]") {
  TempDir dir;
  dir.write("a", "1");
  Answers answers;
  SECTION("to write: hold") {
    answers.ack =
        "Result = -1\nHoldReasonCode = 12\nHoldReasonSubCode = 28\n"
        "HoldReason = \"|Error: writing to file\"";
    const Sent sent = send(dir, named({"a"}), answers);
    CHECK(sent.outcome.verdict == TransferVerdict::hold);
    CHECK(sent.outcome.why.code == HoldCode::download_file);
    CHECK(sent.outcome.why.subcode == 28);
    CHECK(sent.outcome.why.text == "STARTER failed to send file(s); |Error: writing to file");
  }
  SECTION("for now: retry") {
    answers.ack = "Result = 1";
    CHECK(send(dir, named({"a"}), answers).outcome.verdict == TransferVerdict::retry);
  }
  SECTION("without a result: hold") {
    answers.ack = "Foo = 1";
    const Sent sent = send(dir, named({"a"}), answers);
    CHECK(sent.outcome.verdict == TransferVerdict::hold);
    CHECK(sent.outcome.why.code == HoldCode::invalid_transfer_ack);
  }
  SECTION("it may not go ahead") {
    answers.go_ahead = "Result = -1\nTryAgain = false\nHoldReasonCode = 12\nHoldReason = \"full\"";
    const Sent sent = send(dir, named({"a"}), answers);
    CHECK(sent.outcome.verdict == TransferVerdict::hold);
    CHECK(sent.outcome.why.text == "full");
  }
}

TEST_CASE("send: a key that the shadow does not know, with files and without", "[transfer]") {
  TempDir dir;
  dir.write("a", "1");
  const bool some = GENERATE(true, false);
  CondorPair pair = condor_pair();
  auto shadow = played([peer = std::move(pair.peer)]() mutable {
    static_cast<void>(peer.expect_string());
    peer.integer(0);
    // Until the other side has hung up: what it sent meanwhile must not reset the connection.
    while (peer.stream().receive(kMaxAdMessage, Deadline::after(std::chrono::seconds(20)))) {
    }
  });
  TransferOutcome outcome;
  {
    Stream stream = std::move(pair.ours);
    outcome = send_files(stream, "key#1", dir.fd(), some ? named({"a"}) : OutgoingFiles{},
                         TransferKind::final, {});
  }
  CHECK(outcome.verdict == TransferVerdict::refused);
  shadow.get();
}

TEST_CASE("send: a shadow that is gone is a retry", "[transfer]") {
  TempDir dir;
  dir.write("a", std::string(1'000'000, 'a'));
  CondorPair pair = condor_pair();
  {
    const CondorPeer gone = std::move(pair.peer);
  }
  const TransferOutcome outcome =
      send_files(pair.ours, "key#1", dir.fd(), named({"a"}), TransferKind::final, {});
  CHECK(outcome.verdict == TransferVerdict::retry);
}
