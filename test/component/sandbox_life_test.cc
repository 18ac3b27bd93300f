// SPDX-License-Identifier: Apache-2.0
// How a sandbox begins, is steered and ends.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

#include "sandbox/base/io.h"
#include "sandbox/base/process.h"
#include "sandbox/base/socket.h"
#include "test/catch.h"
#include "test/support/flight.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;
using sandbox::ReportKind;

namespace {

bool readable(BorrowedFd fd, int timeout = 5000) {
  pollfd one{fd.get(), POLLIN, 0};
  return ::poll(&one, 1, timeout) == 1;
}

// Children of a process, as the kernel lists them.
std::vector<pid_t> children(pid_t pid) {
  std::istringstream list(
      read_file(fmt::format("/proc/{0}/task/{0}/children", pid), 10'000).value());
  std::vector<pid_t> out;
  for (pid_t child = 0; list >> child;) out.push_back(child);
  return out;
}

}  // namespace

TEST_CASE("exit code and killing signal come back", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  const Flight exited = fly(image.spec({"act", "exit", "42"}));
  INFO(exited.text());
  CHECK(exited.code() == 42);
  CHECK(exited.started);
  CHECK(exited.gone());
  CHECK(fly(image.spec({"act", "raise", "9"})).signal() == SIGKILL);
  CHECK(fly(image.spec({"act", "raise", "15"})).signal() == SIGTERM);
}

TEST_CASE("times and usage are plausible", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  const std::int64_t before = sandbox::monotonic_ns();
  const Flight flight = fly(image.spec({"act", "burn"}));
  const std::int64_t after = sandbox::monotonic_ns();
  REQUIRE(flight.code() == 0);
  CHECK(flight.started->cloned_ns >= before);
  CHECK(flight.started->executed_ns > flight.started->cloned_ns);
  CHECK(flight.started->executed_ns < after);
  CHECK(flight.last->user_us + flight.last->system_us >= 90'000);
  CHECK(flight.last->user_us + flight.last->system_us < 5'000'000);
  CHECK(flight.last->max_rss_kib >= 30 * 1024);
  CHECK(flight.last->max_rss_kib < 200 * 1024);
}

TEST_CASE("a payload that asks its parent to trace it runs on", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec = image.spec({"act", "traced"});
  // pid 1 has fewer capabilities than a payload that is root: not yet, where the payload's first
  // call comes before it gave them up.
  const int root = fly(spec).code();
  CHECK((root == EPERM || root == 100));
  spec = image.spec({"act", "traced"});
  spec.user = {.uid = 1000, .gid = 1000, .groups = {}};
  const Flight flight = fly(spec);
  INFO(flight.text() << flight.output);
  CHECK(flight.code() == 5);
}

TEST_CASE("a core dump is not left where none was allowed", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec = image.spec({"act", "abort"});
  spec.limits.core_size = 0;
  spec.workdir = "/tmp";
  const Flight flight = fly(spec);
  CHECK(flight.signal() == SIGABRT);
  CHECK_FALSE(WCOREDUMP(flight.last->wait_status));
}

TEST_CASE("limits are set, never above the pod's own", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec = image.spec({"look", "cat", "/proc/self/limits"});
  spec.limits = {.open_files = 77,
                 .core_size = 0,
                 .file_size = UINT64_MAX - 1,
                 .data_size = 400'000'000,
                 .processes = 50,
                 .cpu_seconds = 7};
  const Flight flight = fly(spec);
  std::string squeezed;
  for (const char c : flight.output)
    if (c != ' ' || squeezed.empty() || squeezed.back() != ' ') squeezed += c;
  CHECK(squeezed.find("Max open files 77 77 files") != std::string::npos);
  CHECK(squeezed.find("Max core file size 0 0 bytes") != std::string::npos);
  CHECK(squeezed.find("Max data size 400000000 400000000 bytes") != std::string::npos);
  CHECK(squeezed.find("Max cpu time 7 8 seconds") != std::string::npos);
  CHECK(squeezed.find("Max processes 51 51 processes") != std::string::npos);
}

TEST_CASE("a program that cannot be run is told apart from a sandbox that failed",
          "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write(image.layer("bin/text"), "no script\n", 0755);
  image.dir().write(image.layer("bin/plain"), "#!/bin/look\n", 0644);
  image.dir().write(image.layer("bin/lost"), "#!/no/interpreter\n", 0755);
  const auto run = [&](const std::string& program) {
    const Flight flight = fly(image.spec({program}));
    REQUIRE(flight.last);
    CHECK(flight.last->kind == ReportKind::not_executed);
    return std::pair(flight.last->fault, std::string(flight.last->text));
  };
  CHECK(run("absent") ==
        std::pair(Fault::not_found, std::string("\"absent\": no such program in the image")));
  CHECK(run("/bin/look/x").first == Fault::not_found);
  CHECK(run("/bin/lost").first == Fault::not_found);
  CHECK(run("plain").first == Fault::denied);
  CHECK(run("/etc").first == Fault::denied);
  CHECK(run("text").second.starts_with("\"text\": not a program for this machine"));
  CHECK(run("evil\n\x1b[31m").second.starts_with("\"evil\\x0a\\x1b[31m\""));
  CHECK(run(std::string(100'000, 'x')).first == Fault::denied);  // ENAMETOOLONG
}

TEST_CASE("programs are found as execvp finds them", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write(image.layer("first/look"), "not executable", 0644);
  sandbox::Spec spec = image.spec({"look", "env"});
  spec.env = {"PATH=/absent:/first::/bin", "X=1"};
  CHECK(fly(spec).output == "PATH=/absent:/first::/bin\nX=1\n");
  spec = image.spec({"./look", "cwd"});
  spec.workdir = "/bin";
  CHECK(fly(spec).output == "/bin\n");
  spec = image.spec({"look", "cwd"});
  spec.env = {"PATH="};
  spec.workdir = "/bin";
  CHECK(fly(spec).output == "/bin\n");
}

TEST_CASE("the working folder is made, a file in its place is named", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec = image.spec({"look", "cwd", "stat", "/a"});
  spec.workdir = "/a/b/c";
  CHECK(fly(spec).output == "/a/b/c\n/a 40755 0:0\n");
  spec = image.spec({"look"});
  spec.workdir = "/bin/look";
  CHECK(fly(spec).text() == "failed: working folder /bin/look: ENOTDIR (Not a directory)");
  spec = image.spec({"look"});
  spec.workdir = "/bin/look/x";
  CHECK(fly(spec).text() == "failed: working folder /bin/look/x: ENOTDIR (Not a directory)");
}

TEST_CASE("stdin passes through and so does its end", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  Flight flight = take_off(image.spec({"act", "echo"}));
  REQUIRE(write_all(flight.in, "some text"));
  flight.finish();
  CHECK(flight.output == "some text");
  CHECK(flight.code() == 0);
}

TEST_CASE("signals are passed on to the payload alone", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  Flight flight = take_off(image.spec({"act", "signals"}));
  REQUIRE(flight.until_output("ready\n"));
  const std::pair<int, const char*> signals[] = {
      {SIGUSR1, "USR1"}, {SIGHUP, "HUP"},   {SIGWINCH, "WINCH"}, {SIGINT, "INT"},
      {SIGQUIT, "QUIT"}, {SIGABRT, "ABRT"}, {SIGXCPU, "XCPU"},   {SIGPWR, "PWR"},
      {SIGCONT, "CONT"}, {SIGTSTP, "TSTP"}, {SIGRTMIN + 3, "RT"}};
  for (const auto& [number, name] : signals) {
    CAPTURE(name);
    flight.output.clear();
    CHECK(flight.sandbox->signal(number));
    CHECK(flight.until_output(name + std::string("\n")));
  }
  CHECK(flight.sandbox->signal(SIGRTMIN).error().fault == Fault::invalid);
  CHECK(flight.sandbox->signal(0).error().fault == Fault::invalid);
  CHECK(flight.sandbox->signal(SIGTERM));
  CHECK(flight.finish().code() == 7);
}

TEST_CASE("SIGKILL to the payload ends the sandbox with a report", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  Flight flight = take_off(image.spec({"act", "signals"}));
  REQUIRE(flight.until_output("ready\n"));
  CHECK(flight.sandbox->signal(SIGKILL));
  CHECK(flight.finish().signal() == SIGKILL);
}

TEST_CASE("a payload starts with default dispositions, an empty mask and umask 022",
          "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  // What a pilot may have inherited; the launcher of this test is started below it.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::umask(077);
  auto own = sandbox::Launcher::start();
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGHUP, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(022);
  REQUIRE(own);
  Image image;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  Flight flight;
  flight.out.reset(ends[0]);
  UniqueFd in(ends[1]);
  auto launched = own->launch(
      sandbox::make_plan({}, image.spec({"look", "status", "SigBlk", "status", "SigIgn", "status",
                                         "SigCgt", "status", "Umask", "stat", "/"}))
          .value(),
      {.in = in, .out = in, .error = in});
  in.reset();
  REQUIRE(launched);
  flight.sandbox = *std::move(launched);
  flight.finish();
  CHECK(flight.output ==
        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n"
        "Umask:\t0022\n/ 40755 0:0\n");
}

TEST_CASE("a suspended sandbox stands still until it is resumed", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  Flight flight = take_off(image.spec({"act", "tick"}));
  REQUIRE(flight.until_output("..."));
  REQUIRE(flight.sandbox->suspend());
  while (readable(flight.out, 100)) {  // what was on its way
    char bytes[256];
    REQUIRE(::read(flight.out.get(), bytes, sizeof bytes) > 0);
  }
  CHECK_FALSE(readable(flight.out, 50));
  REQUIRE(flight.sandbox->resume());
  CHECK(readable(flight.out, 2000));
  REQUIRE(flight.sandbox->kill());
  CHECK(flight.finish().signal() == SIGKILL);
}

TEST_CASE("a suspended sandbox can be killed", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  Flight flight = take_off(image.spec({"act", "tick"}));
  REQUIRE(flight.until_output("."));
  REQUIRE(flight.sandbox->suspend());
  REQUIRE(flight.sandbox->kill());
  CHECK(flight.finish().signal() == SIGKILL);
}

TEST_CASE("orphans are reaped and none outlives the payload", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  Flight flight = take_off(image.spec({"act", "orphans"}));
  flight.finish();  // their copies of stdout are closed, or this would not end
  CHECK(flight.code() == 0);
  CHECK(flight.gone());
}

TEST_CASE("a fork storm ends at the first order", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  SECTION("kill") {
    Flight flight = take_off(image.spec({"act", "storm"}));
    REQUIRE(flight.until_output("ready"));
    REQUIRE(flight.sandbox->kill());
    CHECK(flight.finish().signal() == SIGKILL);
    CHECK(flight.gone());
  }
  SECTION("destructor") {
    Flight flight = take_off(image.spec({"act", "storm"}));
    REQUIRE(flight.until_output("ready"));
    const UniqueFd ended(::fcntl(flight.sandbox->ended().get(), F_DUPFD_CLOEXEC, 3));
    flight.sandbox.reset();
    CHECK(readable(ended));
  }
}

TEST_CASE("a terminal is the sandbox's own and controls the payload", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec = image.spec({"look", "isatty", "session", "stat", "/dev/pts/0", "ls",
                                   "/dev/pts", "cat", "/dev/null", "open"});
  spec.terminal = true;
  Flight flight = take_off(spec);
  flight.finish();
  INFO(flight.text() << flight.output);
  CHECK(flight.code() == 0);
  CHECK(flight.output == "111\r\n2 2 2\r\n/dev/pts/0 20620 0:0\r\n0 ptmx \r\n");
}

TEST_CASE("Ctrl-C and the window's size reach the payload through its terminal",
          "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec = image.spec({"act", "signals"});
  spec.terminal = true;
  Flight flight = take_off(spec);
  REQUIRE(flight.until_output("ready"));
  REQUIRE(flight.terminal);
  const winsize size{.ws_row = 33, .ws_col = 77, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(::ioctl(flight.terminal.get(), TIOCSWINSZ, &size) == 0);
  CHECK(flight.until_output("WINCH"));
  REQUIRE(write_all(flight.terminal, "\x03"));
  CHECK(flight.until_output("INT"));
  REQUIRE(flight.sandbox->signal(SIGTERM));
  CHECK(flight.finish().code() == 7);
}

TEST_CASE("closing the terminal hangs the payload up", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec = image.spec({"act", "hang"});
  spec.terminal = true;
  Flight flight = take_off(spec);
  REQUIRE(flight.until([&] { return flight.terminal && flight.started; }));
  flight.terminal.reset();
  CHECK(flight.finish().signal() == SIGHUP);
}

TEST_CASE("kill -9 of the pilot leaves no process", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  const sandbox::Plan plan = sandbox::make_plan({}, image.spec({"act", "orphans"})).value();
  const sandbox::Plan hang = sandbox::make_plan({}, image.spec({"act", "hang"})).value();
  auto [ours, theirs] = socket_pair().value();
  const pid_t pilot = ::fork();
  REQUIRE(pilot >= 0);
  if (pilot == 0) {
    ours.reset();
    auto own = sandbox::Launcher::start();
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    auto one = own->launch(plan, {.in = null, .out = null, .error = null});
    auto two = own->launch(hang, {.in = null, .out = null, .error = null});
    readable(two->reports());
    [[maybe_unused]] const auto sent = send_message(theirs, "up", {one->ended(), two->ended()});
    ::pause();
    ::_exit(0);
  }
  theirs.reset();
  auto message = receive_message(ours, 10, Wait::yes).value();
  REQUIRE(message);
  REQUIRE(message->descriptors.size() == 2);
  const std::vector<pid_t> its = children(pilot);
  REQUIRE(its.size() == 1);
  const UniqueFd its_launcher = open_pidfd(its[0]).value();
  ::kill(pilot, SIGKILL);
  ::waitpid(pilot, nullptr, 0);
  CHECK(readable(its_launcher));
  CHECK(readable(message->descriptors[0]));
  CHECK(readable(message->descriptors[1]));
}

TEST_CASE("a pilot killed in the very moment of a launch leaves no process", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  // This process inherits whatever loses its parents, so a survivor would show.
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const std::size_t before = children(::getpid()).size();
  for (int round = 0; round < 15; ++round) {
    const sandbox::Plan plan = sandbox::make_plan({}, image.spec({"act", "hang"})).value();
    const pid_t pilot = ::fork();
    REQUIRE(pilot >= 0);
    if (pilot == 0) {
      auto own = sandbox::Launcher::start();
      const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
      const auto one = own->launch(plan, {.in = null, .out = null, .error = null});
      ::pause();
    }
    ::usleep(static_cast<useconds_t>(300 * round));
    ::kill(pilot, SIGKILL);
    const Deadline deadline = Deadline::after(std::chrono::seconds(5));
    while (children(::getpid()).size() > before && !deadline.passed())
      if (::waitpid(-1, nullptr, WNOHANG) <= 0) ::usleep(1000);
    CHECK(children(::getpid()).size() == before);
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("a launcher that is let go ends, and its sandboxes with it", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  auto own = sandbox::Launcher::start();
  REQUIRE(own);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto one = own->launch(sandbox::make_plan({}, image.spec({"act", "hang"})).value(),
                         {.in = null, .out = null, .error = null});
  REQUIRE(one);
  REQUIRE(readable(one->reports()));
  {
    const sandbox::Launcher gone = *std::move(own);
  }
  CHECK(readable(one->ended()));
}

TEST_CASE("kill -9 of the launcher leaves no process", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  auto own = sandbox::Launcher::start();
  REQUIRE(own);
  const sandbox::Plan plan = sandbox::make_plan({}, image.spec({"act", "storm"})).value();
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  Flight flight;
  flight.out.reset(ends[0]);
  UniqueFd theirs(ends[1]);
  auto launched = own->launch(plan, {.in = theirs, .out = theirs, .error = theirs});
  REQUIRE(launched);
  flight.sandbox = *std::move(launched);
  REQUIRE(flight.until_output("ready"));
  CHECK_FALSE(readable(own->ended(), 0));
  own->retire();
  CHECK(readable(own->ended()));
  CHECK(flight.gone());
  CHECK_FALSE(own->launch(plan, {.in = theirs, .out = theirs, .error = theirs}));
  theirs.reset();
  pollfd writers{flight.out.get(), 0, 0};  // POLLHUP: no process of the storm has it any more
  CHECK(::poll(&writers, 1, 5000) == 1);
}

TEST_CASE("what a sandbox is given to keep is open for as long as it lives", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd reader(ends[0]);
  UniqueFd kept(ends[1]);
  Flight flight = take_off(image.spec({"act", "tick"}), {kept});
  Flight other = take_off(image.spec({"act", "tick"}));
  kept.reset();
  REQUIRE(flight.until_output("."));
  REQUIRE(other.until_output("."));
  pollfd writers{reader.get(), 0, 0};  // POLLHUP: nobody has the other end
  CHECK(::poll(&writers, 1, 0) == 0);
  REQUIRE(flight.sandbox->kill());
  CHECK(flight.finish().signal() == SIGKILL);
  CHECK(::poll(&writers, 1, 5000) == 1);
  REQUIRE(other.sandbox->kill());
  CHECK(other.finish().signal() == SIGKILL);
}

TEST_CASE("a sandbox whose reports nobody reads any more ends", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  Flight flight = take_off(image.spec({"act", "hang"}));
  REQUIRE(flight.until([&] { return flight.started.has_value(); }));
  const UniqueFd ended(::fcntl(flight.sandbox->ended().get(), F_DUPFD_CLOEXEC, 3));
  // As if the pilot had died without the launcher noticing: close the end, send no signal.
  ::close(flight.sandbox->reports().get());
  CHECK(readable(ended));
  ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // takes the number, which the Sandbox closes again
}

TEST_CASE("a plan that was cut on its way is refused by the launcher", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Plan plan = sandbox::make_plan({}, image.spec({"look"})).value();
  plan.env.push_back("BIG=" + std::string(9 << 20, 'x'));
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto refused = launcher().launch(plan, {.in = null, .out = null, .error = null});
  CHECK(refused.error().text.find("larger than the limit") != std::string::npos);
  CHECK(fly(image.spec({"act", "exit", "3"})).code() == 3);  // and goes on
}

TEST_CASE("many sandboxes one after the other leave nothing behind", "[sandbox][life]") {
  if (rerun_unprivileged()) return;
  Image image;
  for (int i = 0; i < 30; ++i) CHECK(fly(image.spec({"act", "exit", "0"})).code() == 0);
  const auto launchers = children(::getpid());
  REQUIRE(launchers.size() == 1);
  const Deadline deadline = Deadline::after(std::chrono::seconds(5));
  while (!children(launchers[0]).empty() && !deadline.passed()) ::usleep(1000);
  CHECK(children(launchers[0]).empty());
}
