// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "sandbox/base/io.h"
#include "test/catch.h"
#include "test/support/scratch_dir.h"

using namespace podpilot;
using namespace std::chrono_literals;

namespace {

std::string victim(const std::string& name) {
  const char* build = std::getenv("PODPILOT_BUILD");
  return (build ? std::string(build) : ".") + "/test/victims/" + name;
}

struct Run {
  std::string output;
  ExitStatus status;
};

Run run(std::vector<std::string> argv, std::vector<BorrowedFd> descriptors = {}) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  if (descriptors.size() < 2) descriptors.resize(2);
  descriptors[1] = in;
  auto child =
      spawn({.program = argv[0], .argv = argv, .environment = {"A=b"}, .descriptors = descriptors});
  REQUIRE(child);
  in.reset();
  Run result;
  result.output = read_all(out, 100'000).value();
  result.status = child->wait(Deadline::after(10s)).value().value();
  return result;
}

Run shell(const std::string& script) {
  return run({"/bin/sh", "-c", script});
}

}  // namespace

TEST_CASE("a child gets the descriptors of the map and no others", "[base][process]") {
  const UniqueFd leaky(::open("/dev/zero", O_RDONLY));  // not close-on-exec: somebody else's fault
  const Run result = run({victim("fds")});
  const auto lines = std::count(result.output.begin(), result.output.end(), '\n');
  INFO(result.output);
  CHECK(lines == 3);
  CHECK(result.output.find("0 /dev/null") != std::string::npos);
  CHECK(result.output.find("2 /dev/null") != std::string::npos);
}

TEST_CASE("descriptors that change places with each other arrive right", "[base][process]") {
  const test::ScratchDir dir;
  dir.write("three", "three");
  dir.write("four", "four");
  // Slot 3 gets what is descriptor 4 and the other way round.
  const UniqueFd low(::open((dir / "three").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd high(::open((dir / "four").c_str(), O_RDONLY | O_CLOEXEC));
  const auto slot = static_cast<std::size_t>(std::max(low.get(), high.get()));
  std::vector<BorrowedFd> map(slot + 1);
  map[static_cast<std::size_t>(low.get())] = high;
  map[static_cast<std::size_t>(high.get())] = low;
  const Run result = run({victim("fds"), std::to_string(slot + 1)}, map);
  INFO(result.output);
  CHECK(result.output.find(std::to_string(low.get()) + " four") != std::string::npos);
  CHECK(result.output.find(std::to_string(high.get()) + " three") != std::string::npos);
}

TEST_CASE("a program that cannot be executed is an error, not an exit code", "[base][process]") {
  const test::ScratchDir dir;
  dir.write("plain", "text");
  const auto absent =
      spawn({.program = "/no/such", .argv = {"x"}, .environment = {}, .descriptors = {}});
  CHECK(absent.error().fault == Fault::not_found);
  CHECK(absent.error().text.starts_with("exec /no/such: ENOENT"));
  const auto plain =
      spawn({.program = dir / "plain", .argv = {"x"}, .environment = {}, .descriptors = {}});
  CHECK(plain.error().fault == Fault::denied);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // both are reaped
}

TEST_CASE("exit code and signal are told apart", "[base][process]") {
  CHECK(shell("exit 42").status.shell_code() == 42);
  const Run killed = shell("kill -TERM $$");
  CHECK(killed.status.signal == SIGTERM);
  CHECK(killed.status.shell_code() == 143);
}

TEST_CASE("a child inherits neither environment nor blocked nor ignored signals",
          "[base][process]") {
  ::setenv("PODPILOT_SECRET", "x", 1);
  sigset_t block;
  sigset_t before;
  sigemptyset(&block);
  sigaddset(&block, SIGHUP);
  sigprocmask(SIG_BLOCK, &block, &before);
  ::signal(SIGUSR1, SIG_IGN);
  const Run result = shell("grep -E '^Sig(Blk|Ign)' /proc/self/status; env");
  ::signal(SIGUSR1, SIG_DFL);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  ::unsetenv("PODPILOT_SECRET");
  INFO(result.output);
  CHECK(result.output.find("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000") == 0);
  CHECK(result.output.find("A=b\n") != std::string::npos);
  CHECK(result.output.find("PODPILOT_SECRET") == std::string::npos);
}

TEST_CASE("a child dies with the one that started it", "[base][process]") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    const auto child = spawn({.program = "/bin/sleep",
                              .argv = {"sleep", "100"},
                              .environment = {},
                              .descriptors = {BorrowedFd(), in}});
    const pid_t pid = child ? child->pid() : 0;
    [[maybe_unused]] const ssize_t n = ::write(in.get(), &pid, sizeof pid);
    in.reset();
    ::pause();
    ::_exit(0);
  }
  in.reset();
  pid_t child = 0;
  REQUIRE(::read(out.get(), &child, sizeof child) == sizeof child);
  REQUIRE(child > 0);
  const UniqueFd pidfd = open_pidfd(child).value();
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  pollfd ended{pidfd.get(), POLLIN, 0};
  CHECK(::poll(&ended, 1, 5000) == 1);
}

TEST_CASE("waiting ends at its deadline, the destructor kills and reaps", "[base][process]") {
  pid_t pid = 0;
  {
    auto child = spawn({.program = "/bin/sleep",
                        .argv = {"sleep", "100"},
                        .environment = {},
                        .descriptors = {}})
                     .value();
    pid = child.pid();
    CHECK_FALSE(child.wait(Deadline::after(5ms)).value());
    CHECK(child.kill(SIGCONT));
  }
  CHECK(::kill(pid, 0) == -1);
}

TEST_CASE("usage of a child is told where it is asked for", "[base][process]") {
  auto child =
      spawn({.program = "/bin/sh", .argv = {"sh", "-c", ":"}, .environment = {}, .descriptors = {}})
          .value();
  rusage usage{};
  CHECK(child.wait(Deadline::after(10s), &usage).value()->code == 0);
  CHECK(usage.ru_maxrss > 0);
}
