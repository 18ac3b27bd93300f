// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/classad/wire.h"
#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "sandbox/base/io.h"
#include "test/catch.h"
#include "test/support/condor_peer.h"
#include "test/support/temp_dir.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::agent::htcondor;
using podpilot::test::condor_pair;
using podpilot::test::CondorPair;
using podpilot::test::CondorPeer;
using podpilot::test::must;
using podpilot::test::played;
using podpilot::test::TempDir;

namespace {

constexpr std::string_view kFine = "Result = 0\nTransferStats = [ ]";

// The shadow's side, as far as all transfers have it in common.
class SendingShadow {
 public:
  explicit SendingShadow(CondorPeer peer) : peer_(std::move(peer)) {}

  void begin(std::int64_t sandbox_size = 1000) {
    if (peer_.expect_string() != "key#1") throw std::runtime_error("no key");
    MessageWriter first = peer_.writer();
    first.integer(0);
    put_ad(first, must(parse_ad("SandboxSize = " + std::to_string(sandbox_size))));
    peer_.send(first);
  }
  // The announcement of one entry, and the go-ahead that the first needs.
  void announce(int command, std::string_view name) {
    peer_.integer(command);
    peer_.string(name);
    if (agreed_) return;
    peer_.integer(300);
    if (peer_.expect_ad().integer("Result") != 2) throw std::runtime_error("not to go ahead");
    if (peer_.expect_integer() < 300) throw std::runtime_error("in a hurry");
    peer_.ad("Result = 0\nTimeout = 600");  // it is still waiting
    peer_.ad("Result = 0");
    peer_.ad("Result = 2");
    agreed_ = true;
  }
  void file(std::string_view name, std::string_view content, std::int64_t mode = 0644) {
    announce(1, name);
    peer_.integer(mode);
    peer_.file(content);
  }
  void folder(std::string_view name, std::int64_t mode = 0755) {
    announce(6, name);
    peer_.integer(mode);
  }
  // The receiver's acknowledgement.
  Ad end(std::string_view ack = kFine) {
    peer_.integer(0);
    peer_.ad(ack);
    return peer_.expect_ad();
  }
  CondorPeer& peer() { return peer_; }

 private:
  CondorPeer peer_;
  bool agreed_ = false;
};

struct Received {
  TransferOutcome outcome;
  Ad ack;
};

Received receive(const TempDir& dir, std::function<Ad(SendingShadow&)> script,
                 const TransferLimits& limits = {}, const std::string& executable = "") {
  CondorPair pair = condor_pair();
  auto shadow = played([peer = std::move(pair.peer), script = std::move(script)]() mutable {
    SendingShadow sending(std::move(peer));
    return script(sending);
  });
  Received received;
  {
    Stream stream = std::move(pair.ours);
    received.outcome = receive_files(stream, "key#1", dir.fd(), executable, limits);
  }
  received.ack = shadow.get();
  return received;
}

mode_t mode_of(const TempDir& dir, const char* name) {
  struct stat st{};
  REQUIRE(::fstatat(dir.fd().get(), name, &st, AT_SYMLINK_NOFOLLOW) == 0);
  return st.st_mode & 07777;
}

}  // namespace

TEST_CASE("receive: files, folders, empty, large, executable, odd names", "[transfer]") {
  TempDir dir;
  std::string large(3'000'001, 'x');
  for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>(i);
  const Received got = receive(
      dir,
      [&](SendingShadow& shadow) {
        shadow.begin();
        shadow.file("job.sh", "#!/bin/sh\n", 0644);
        shadow.file("empty", "", 0600);
        shadow.file("large", large, 04755);
        shadow.folder("d", 0500);
        shadow.folder("d/e e");
        shadow.file("d/e e/\xc3\xa4 b", "utf", 0);
        shadow.folder("d");
        return shadow.end();
      },
      {}, "job.sh");
  CHECK(got.outcome.verdict == TransferVerdict::done);
  CHECK(got.outcome.why.text == "");
  CHECK(got.outcome.bytes == 10 + large.size() + 3);
  CHECK(got.outcome.files == 7);
  CHECK(dir.read("job.sh") == "#!/bin/sh\n");
  CHECK(mode_of(dir, "job.sh") == 0755);
  CHECK(dir.read("empty") == "");
  CHECK(mode_of(dir, "empty") == 0600);
  CHECK((dir.read("large") == large));
  CHECK(mode_of(dir, "large") == 0755);
  CHECK(mode_of(dir, "d") == 0755);
  CHECK(dir.read("d/e e/\xc3\xa4 b") == "utf");
  CHECK(got.ack.integer("Result") == 0);
  CHECK(got.ack.expression("TransferStats").value_or("").find("CedarFilesCount = 7") !=
        std::string::npos);
}

TEST_CASE("receive: nothing at all", "[transfer]") {
  TempDir dir;
  const Received got = receive(dir, [](SendingShadow& shadow) {
    shadow.begin(0);
    return shadow.end();
  });
  CHECK(got.outcome.verdict == TransferVerdict::done);
  CHECK(got.ack.integer("Result") == 0);
}

TEST_CASE("receive: thousands of files", "[transfer]") {
  TempDir dir(test::in_memory());
  const Received got = receive(dir, [](SendingShadow& shadow) {
    shadow.begin();
    for (int i = 0; i < 3000; ++i) shadow.file("f" + std::to_string(i), "x");
    return shadow.end();
  });
  CHECK(got.outcome.files == 3000);
  CHECK(dir.read("f2999") == "x");
}

TEST_CASE("receive: names that lead out are refused, the rest is read all the same", "[transfer]") {
  TempDir outside;
  TempDir dir;
  REQUIRE(::symlink(outside.path().c_str(), (dir / "link").c_str()) == 0);
  const std::string name =
      GENERATE("../x", "/etc/x", "a/../../x", "..", ".", "", "link/x", "gone/x", "a/..");
  const bool folder = GENERATE(true, false);
  CAPTURE(name, folder);
  const Received got = receive(dir, [&](SendingShadow& shadow) {
    shadow.begin();
    if (folder)
      shadow.folder(name);
    else
      shadow.file(name, "planted");
    shadow.file("later", "not kept");
    return shadow.end();
  });
  CHECK(got.outcome.verdict == TransferVerdict::hold);
  CHECK(got.outcome.why.code == HoldCode::download_file);
  CHECK(got.outcome.why.subcode > 0);
  CHECK(got.outcome.why.text.find("|Error: ") != std::string::npos);
  CHECK(got.outcome.why.text.find("(errno ") != std::string::npos);
  CHECK(got.ack.integer("Result") == -1);
  CHECK(got.ack.integer("HoldReasonCode") == 12);
  CHECK(!outside.has("x"));
  CHECK(!dir.has("x"));
  CHECK(!dir.has("later"));
}

TEST_CASE("receive: what is there already makes room", "[transfer]") {
  TempDir outside;
  TempDir dir;
  outside.write("target", "precious");
  REQUIRE(::symlink((outside / "target").c_str(), (dir / "a").c_str()) == 0);
  REQUIRE(::mkfifo((dir / "b").c_str(), 0600) == 0);
  dir.write("c", "old");
  REQUIRE(::chmod((dir / "c").c_str(), 0400) == 0);
  dir.write("d", "a file");
  REQUIRE(::symlink(outside.path().c_str(), (dir / "e").c_str()) == 0);
  const Received got = receive(dir, [&](SendingShadow& shadow) {
    shadow.begin();
    for (const char* name : {"a", "b", "c"}) shadow.file(name, "new");
    shadow.folder("d");
    shadow.folder("e");
    shadow.file("e/f", "inside");
    return shadow.end();
  });
  CHECK(got.outcome.verdict == TransferVerdict::done);
  for (const char* name : {"a", "b", "c"}) CHECK(dir.read(name) == "new");
  CHECK(outside.read("target") == "precious");
  CHECK(dir.read("e/f") == "inside");
  CHECK(!outside.has("f"));
}

TEST_CASE("receive: the shadow's own failure is the job's hold or a retry", "[transfer]") {
  TempDir dir;
  const bool again = GENERATE(true, false);
  const Received got = receive(dir, [&](SendingShadow& shadow) {
    shadow.begin();
    shadow.file("gone", "", 1 << 24);
    return shadow.end(
        std::string(again ? "Result = 1" : "Result = -1") +
        "\nHoldReasonCode = 13\nHoldReasonSubCode = 2\nHoldReason = \"|Error: reading "
        "from file /x/gone: (errno 2) No such file or directory\"");
  });
  CHECK(got.outcome.verdict == (again ? TransferVerdict::retry : TransferVerdict::hold));
  CHECK(got.outcome.why.code == HoldCode::upload_file);
  CHECK(got.outcome.why.subcode == 2);
  CHECK(got.outcome.why.text ==
        "|Error: reading from file /x/gone: (errno 2) No such file or directory; STARTER failed to "
        "receive file(s)");
  CHECK(got.ack.integer("Result") == (again ? 1 : -1));
  CHECK(!dir.has("gone"));
}

TEST_CASE("receive: more than the job may have on disk", "[transfer]") {
  TempDir dir;
  TransferLimits limits;
  limits.bytes = 1000;
  SECTION("announced: nothing is sent") {
    const Received got = receive(
        dir,
        [](SendingShadow& shadow) {
          shadow.begin(1001);
          shadow.peer().integer(1);
          shadow.peer().string("large");
          shadow.peer().integer(300);
          return shadow.peer().expect_ad();
        },
        limits);
    CHECK(got.outcome.verdict == TransferVerdict::hold);
    CHECK(got.outcome.why.code == HoldCode::out_of_resources);
    CHECK(got.outcome.why.subcode == kOutOfDisk);
    CHECK(got.ack.integer("Result") == -1);
    CHECK(got.ack.boolean("TryAgain") == false);
    CHECK(got.ack.integer("HoldReasonCode") == 34);
  }
  SECTION("a size that was a lie") {
    const Received got = receive(
        dir,
        [](SendingShadow& shadow) {
          shadow.begin(10);
          shadow.file("first", std::string(600, 'x'));
          shadow.announce(1, "second");
          shadow.peer().integer(0644);
          MessageWriter head = shadow.peer().writer();
          head.integer(401).integer(262144);
          shadow.peer().send(head);
          return Ad();
        },
        limits);
    CHECK(got.outcome.verdict == TransferVerdict::hold);
    CHECK(got.outcome.why.code == HoldCode::out_of_resources);
    CHECK(got.outcome.why.subcode == kOutOfDisk);
  }
}

TEST_CASE("receive: more entries than anybody needs", "[transfer]") {
  TempDir dir;
  TransferLimits limits;
  limits.entries = 2;
  const Received got = receive(
      dir,
      [](SendingShadow& shadow) {
        shadow.begin();
        shadow.folder("a");
        shadow.folder("b");
        shadow.peer().integer(6);
        return Ad();
      },
      limits);
  CHECK(got.outcome.verdict == TransferVerdict::hold);
  CHECK(got.outcome.why.text == "the job has more than 2 input files");
}

TEST_CASE("receive: a full disk is the pod's fault, and the shadow hears of it", "[transfer]") {
  TempDir dir;
  const std::string user = "0 " + std::to_string(::getuid()) + " 1";
  const std::string group = "0 " + std::to_string(::getgid()) + " 1";
  // A small filesystem, in namespaces of a child's own. Its exit status tells what went wrong.
  const pid_t child = test::fork_into(CLONE_NEWUSER | CLONE_NEWNS);
  REQUIRE(child >= 0);
  if (child == 0) {
    // tmpfs makes no files for owners that have no number there (user_namespaces(7)).
    const std::pair<const char*, std::string> ids[] = {
        {"setgroups", "deny"}, {"uid_map", user}, {"gid_map", group}};
    for (const auto& [name, line] : ids) {
      const UniqueFd map(::open((std::string("/proc/self/") + name).c_str(), O_WRONLY | O_CLOEXEC));
      if (!write_all(map, line)) ::_exit(6);
    }
    if (::mount("none", dir.path().c_str(), "tmpfs", 0, "size=1m") != 0) ::_exit(2);
    const UniqueFd disk(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CondorPair pair = condor_pair();
    auto shadow = played([peer = std::move(pair.peer)]() mutable {
      SendingShadow sending(std::move(peer));
      sending.begin();
      sending.file("large", std::string(3'000'000, 'x'));
      sending.file("after", "dropped");
      return sending.end();
    });
    const TransferOutcome outcome = receive_files(pair.ours, "key#1", disk, "", {});
    const Ad ack = shadow.get();
    if (outcome.verdict != TransferVerdict::retry) ::_exit(3);
    if (outcome.why.subcode != ENOSPC) ::_exit(4);
    ::_exit(ack.integer("Result") == 1 && ack.integer("HoldReasonCode") == 12 ? 0 : 5);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("receive: what is not supported is held, and said", "[transfer]") {
  TempDir dir;
  SECTION("URLs: the rest still comes") {
    const Received got = receive(dir, [](SendingShadow& shadow) {
      shadow.begin();
      shadow.announce(5, "x");
      shadow.peer().string("https://example.org/x");
      shadow.file("after", "read and dropped");
      return shadow.end();
    });
    CHECK(got.outcome.verdict == TransferVerdict::hold);
    CHECK(got.outcome.why.subcode == ENOTSUP);
    CHECK(got.outcome.why.text.find("URL file = https://example.org/x") != std::string::npos);
    CHECK(got.ack.integer("Result") == -1);
  }
  SECTION("X.509 delegation, and kinds that are not known") {
    const int command = GENERATE(4, 7, -5, 1 << 30);
    const Received got = receive(dir, [&](SendingShadow& shadow) {
      shadow.begin();
      shadow.announce(command, "proxy");
      return Ad();
    });
    CHECK(got.outcome.verdict == TransferVerdict::hold);
    CHECK(got.outcome.why.subcode == ENOTSUP);
  }
  SECTION("ads: reports are passed over, files are not reused") {
    const Received got = receive(dir, [](SendingShadow& shadow) {
      shadow.begin();
      shadow.announce(999, "report");
      shadow.peer().ad("SubCommand = 7\nResult = 0");
      shadow.announce(999, "reuse");
      shadow.peer().ad("SubCommand = 8");
      if (shadow.peer().expect_ad().integer("Result") != 1) throw std::runtime_error("reused");
      shadow.file("x", "x");
      return shadow.end();
    });
    CHECK(got.outcome.verdict == TransferVerdict::done);
    CHECK(dir.read("x") == "x");
  }
  SECTION("other ads") {
    const Received got = receive(dir, [](SendingShadow& shadow) {
      shadow.begin();
      shadow.announce(999, "sign");
      shadow.peer().ad("SubCommand = 9");
      return shadow.end();
    });
    CHECK(got.outcome.verdict == TransferVerdict::hold);
  }
}

TEST_CASE("receive: a key that the shadow does not know", "[transfer]") {
  TempDir dir;
  const Received got = receive(dir, [](SendingShadow& shadow) {
    static_cast<void>(shadow.peer().expect_string());
    shadow.peer().integer(0);
    return Ad();
  });
  CHECK(got.outcome.verdict == TransferVerdict::refused);
}

TEST_CASE("receive: the shadow does not let it go ahead", "[transfer]") {
  TempDir dir;
  const std::string answer =
      GENERATE("Result = -1\nTryAgain = true\nHoldReason = \"queue\"",
               "Result = -1\nTryAgain = false\nHoldReasonCode = 33\nHoldReason = \"queue\"");
  const Received got = receive(dir, [&](SendingShadow& shadow) {
    shadow.begin();
    shadow.peer().integer(1);
    shadow.peer().string("x");
    shadow.peer().integer(300);
    static_cast<void>(shadow.peer().expect_ad());
    static_cast<void>(shadow.peer().expect_integer());
    shadow.peer().ad(answer);
    return Ad();
  });
  const bool again = answer.find("TryAgain = true") != std::string::npos;
  CHECK(got.outcome.verdict == (again ? TransferVerdict::retry : TransferVerdict::hold));
  CHECK(got.outcome.why.text == "queue");
  CHECK(static_cast<int>(got.outcome.why.code) == (again ? 0 : 33));
}

TEST_CASE("receive: a go-ahead that never comes", "[transfer]") {
  TempDir dir;
  TransferLimits limits;
  limits.queued = std::chrono::seconds(1);
  const auto begun = Clock::now();
  const Received got = receive(
      dir,
      [&](SendingShadow& shadow) {
        shadow.begin();
        shadow.peer().integer(1);
        shadow.peer().string("x");
        shadow.peer().integer(300);
        static_cast<void>(shadow.peer().expect_ad());
        static_cast<void>(shadow.peer().expect_integer());
        Ad alive;
        alive.set("Result", 0);
        MessageWriter message = shadow.peer().writer();
        put_ad(message, alive);
        while (shadow.peer().stream().send(message, Deadline::after(std::chrono::seconds(5)))) {
        }
        return Ad();
      },
      limits);
  CHECK(got.outcome.verdict == TransferVerdict::retry);
  CHECK(Clock::now() - begun < std::chrono::seconds(10));
}

TEST_CASE("receive: a connection that breaks, wherever, is a retry", "[transfer]") {
  TempDir dir;
  const int where = GENERATE(0, 1, 2, 3, 4, 5);
  CAPTURE(where);
  const Received got = receive(dir, [&](SendingShadow& shadow) {
    if (where > 0) shadow.begin();
    if (where > 1) shadow.folder("a");
    if (where > 2) shadow.announce(1, "f");
    if (where > 3) shadow.peer().integer(0644);
    if (where > 4) {
      MessageWriter head = shadow.peer().writer();
      head.integer(100).integer(10);
      shadow.peer().send(head);
      shadow.peer().bytes("0123456789");
    }
    return Ad();
  });
  CHECK(got.outcome.verdict == TransferVerdict::retry);
  CHECK(!got.outcome.why.text.empty());
}
