// SPDX-License-Identifier: Apache-2.0
// Payloads that try to get out, or to harm what runs them.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstring>
#include <map>
#include <sstream>

#include "sandbox/base/deadline.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/landlock.h"
#include "test/catch.h"
#include "test/support/flight.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;

namespace {

std::map<std::string, std::string> results_of(const std::string& output) {
  std::map<std::string, std::string> results;
  std::istringstream lines(output);
  for (std::string name, result; lines >> name >> result;) results[name] = result;
  return results;
}

std::map<std::string, std::string> attack(Image& image, std::vector<std::string> groups) {
  groups.insert(groups.begin(), "attack");
  const Flight flight = fly(image.spec(groups));
  INFO(flight.text() << "\n" << flight.output);
  CHECK(flight.code() == 0);
  return results_of(flight.output);
}

// All refused, and in one of these words.
void check_refused(const std::map<std::string, std::string>& results, const std::string& words) {
  CHECK_FALSE(results.empty());
  for (const auto& [name, result] : results) {
    INFO(name << " " << result);
    CHECK((" " + words + " ").find(" " + result + " ") != std::string::npos);
  }
}

void attack_init(Image& image, const std::vector<std::string>& harmless = {}) {
  auto results = attack(image, {"init"});
  for (const std::string& name : harmless) results.erase(name);
  check_refused(results, "EPERM EACCES EROFS");
  const auto kill = attack(image, {"kill"});
  CHECK(kill.at("alive") == "yes");
  if (sandbox::landlock_abi() >= 6) CHECK(kill.at("worked") == "0");
}

void attack_files(Image& image) {
  auto results = attack(image, {"files"});
  CHECK(results["exe"] == "YES");
  results.erase("exe");
  check_refused(results, "EPERM EACCES EROFS ENODATA ENOENT");
  CHECK(results["chmod-null"] == "EROFS");
  CHECK(results["/sys"] == "EROFS");
}

}  // namespace

TEST_CASE("a payload cannot read, trace, limit or signal pid 1", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  attack_init(image);
}

TEST_CASE("a payload makes no namespaces", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  auto results = attack(image, {"namespaces"});
  CHECK(results["clone3"] == "ENOSYS");
  results.erase("clone3");
  check_refused(results, "EPERM");
}

TEST_CASE("a payload mounts nothing", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  check_refused(attack(image, {"mounts"}), "EPERM");
}

TEST_CASE("doors of the kernel are shut, unknown ones look absent", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  auto results = attack(image, {"kernel"});
  for (const char* name :
       {"clone3", "unknown", "x32", "x32-openat", "x32-ptrace", "x32-setsockopt", "personality"}) {
    CAPTURE(name);
    CHECK(results[name] == "ENOSYS");
    results.erase(name);
  }
  check_refused(results, "EPERM");
  const Flight flight = fly(image.spec({"attack", "int80"}));
  INFO(flight.text() << flight.output);
  CHECK((flight.signal() == SIGSEGV || flight.output ==
                                           "int80 ENOSYS\nint80-ptrace ENOSYS\nint80-mount ENOSYS\n"
                                           "int80-priority ENOSYS\n"));
}

TEST_CASE("a payload types into no terminal and has none unless asked for", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  auto results = attack(image, {"terminals"});
  CHECK(results["/dev/tty"] == "ENXIO");
  CHECK(results["/dev/console"] == "ENOENT");
  results.erase("/dev/tty");
  results.erase("/dev/console");
  check_refused(results, "EPERM");
}

TEST_CASE("devices, switches of the kernel and files of the pod stay as they are",
          "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  attack_files(image);
}

TEST_CASE("a second chroot does not lead out of the first", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write("secret", "");
  auto results = attack(image, {"chroot", image.dir() / "secret"});
  CHECK(results["chroot"] == "YES");  // uid 0 may: images use it
  CHECK(results["secret"] == "ENOENT");
  CHECK(results["own"] == "YES");
}

TEST_CASE("nothing of that changes where pivot_root is refused", "[sandbox][escape]") {
  if (rerun_in(Pod::no_pivot_root)) return;
  Image image;
  image.dir().write("secret", "");
  auto results = attack(image, {"chroot", image.dir() / "secret"});
  CHECK(results["secret"] == "ENOENT");
  CHECK(results["own"] == "YES");
  attack_init(image);
  attack_files(image);
  const Flight flight = fly(image.spec({"look", "ls", "/", "cat", "/proc/self/mountinfo"}));
  CHECK(flight.output.find("bin dev etc in-image proc sys tmp") == 0);
  CHECK(flight.output.find(image.dir().path()) == std::string::npos);
}

TEST_CASE("where the pod masks /proc the pod's own is bound, the pilot hidden in it",
          "[sandbox][escape]") {
  if (rerun_in(Pod::masked_proc)) return;
  Image image;
  const std::string pilot = "/proc/" + std::to_string(::getpid());
  const Flight flight = fly(image.spec({"look", "ls", pilot, "cat", pilot + "/cmdline", "cat",
                                        "/proc/timer_list", "cat", "/proc/self/comm"}));
  INFO(flight.text() << flight.output);
  CHECK(flight.output == "\n" + pilot + "/cmdline: ENOENT\nlook\n");
  const Flight listing = fly(image.spec({"look", "cat", "/proc/self/mountinfo"}));
  CHECK(listing.output.find(" " + pilot + " ") != std::string::npos);  // it is covered, not absent
  attack_files(image);
  // /proc/1 is the pod's there, pid 1 the sandbox's. Its descriptors can be counted, not looked at.
  attack_init(image, {"/proc/1/fd/", "/proc/1/fd/3"});
}

TEST_CASE("a payload has descriptors 0, 1 and 2 only", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  const UniqueFd leaky(::open("/", O_RDONLY | O_DIRECTORY));  // not close-on-exec
  const Flight flight = fly(image.spec({"fds"}));
  INFO(flight.output);
  CHECK(std::count(flight.output.begin(), flight.output.end(), '\n') == 3);
  CHECK(flight.output.find("0 pipe:") != std::string::npos);
}

TEST_CASE("a payload cannot let go of what is kept open for it", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  image.dir().write("lock", "");
  const std::string path = image.dir() / "lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::flock(lock.get(), LOCK_SH) == 0);
  Flight flight = take_off(image.spec({"attack", "descriptors", "wait"}), {lock});
  lock.reset();
  REQUIRE(flight.until_output("get "));
  check_refused(results_of(flight.output), "EBADF EACCES EPERM");
  const UniqueFd other(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) != 0);
  CHECK(flight.finish().code() == 0);
  const Deadline deadline = Deadline::after(std::chrono::seconds(5));
  while (::flock(other.get(), LOCK_EX | LOCK_NB) != 0 && !deadline.passed()) ::usleep(1000);
  CHECK_FALSE(deadline.passed());
}

TEST_CASE("a folder as a standard stream would be a way out and is refused", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  const UniqueFd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto sandbox = launcher().launch(
      sandbox::make_plan({}, image.spec({"look", "ls", "/proc/self/fd/0/"})).value(),
      {.in = folder, .out = folder, .error = folder});
  REQUIRE(sandbox);
  Flight flight;
  flight.sandbox = *std::move(sandbox);
  flight.finish();
  CHECK(flight.text() == "failed: standard stream 0 is a folder");
}

TEST_CASE("pid 1 shows nothing of the pilot's command line or environment", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  const Flight flight =
      fly(image.spec({"look", "cat", "/proc/1/cmdline", "cat", "/proc/1/environ"}));
  std::string shown = flight.output;
  std::erase(shown, '\0');
  CHECK(shown == "podpilot/proc/1/environ: EACCES\n");
}

TEST_CASE("an image cannot have podpilot itself executed", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  if (sandbox::landlock_abi() < 2) return;  // not promised there
  Image image;
  image.dir().write(image.layer("bin/script"), "#!/proc/self/exe\n", 0755);
  image.dir().link(image.layer("bin/link"), "/proc/self/exe");
  for (const char* program : {"/bin/script", "/bin/link", "/proc/self/exe"}) {
    CAPTURE(program);
    const Flight flight = fly(image.spec({program}));
    INFO(flight.output);
    CHECK(flight.text().find("EACCES") != std::string::npos);
    CHECK(flight.last->kind == sandbox::ReportKind::not_executed);
  }
}

TEST_CASE("programs in memory run and files move between folders all the same",
          "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  const Flight flight = fly(image.spec(
      {"look", "memfd", "write", "/tmp/a", "x", "rename", "/tmp/a", "/etc/b", "cat", "/etc/b"}));
  CHECK(flight.output == "/\nwrite ok\nrename ok\nx");
}

TEST_CASE("a setuid program in a layer gains nothing", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  REQUIRE(::chmod((image.dir() / image.layer("bin/look")).c_str(), 06755) == 0);
  sandbox::Spec spec = image.spec({"look", "ids", "status", "CapEff", "status", "NoNewPrivs"});
  spec.user = {.uid = 1000, .gid = 1000, .groups = {}};
  const Flight flight = fly(spec);
  CHECK(flight.output == "1000:1000 0\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n");
}

TEST_CASE("a user has no capabilities, root the set of container runtimes", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  sandbox::Spec spec = image.spec({"look", "ids", "status", "CapInh", "status", "CapPrm", "status",
                                   "CapEff", "status", "CapBnd", "status", "CapAmb", "status",
                                   "NoNewPrivs", "status", "Seccomp"});
  const Flight root = fly(spec);
  CHECK(root.output ==
        "0:0 0\nCapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\n"
        "CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
  spec.workspace = image.spec({"x"}).workspace;
  spec.user = {.uid = 1000, .gid = 1000, .groups = {}};
  const Flight user = fly(spec);
  CHECK(user.output ==
        "1000:1000 0\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
        "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n"
        "NoNewPrivs:\t1\nSeccomp:\t2\n");
}

TEST_CASE("abstract sockets of the outside cannot be reached", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  if (sandbox::landlock_abi() < 6) return;  // not promised there
  Image image;
  const std::string name = "podpilot-test-" + std::to_string(::getpid());
  const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  REQUIRE(::bind(server.get(), reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size())) == 0);
  REQUIRE(::listen(server.get(), 1) == 0);
  CHECK(attack(image, {"abstract", name})["abstract"] == "EPERM");
}

TEST_CASE("two sandboxes do not see each other", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  Flight first = take_off(image.spec({"act", "signals"}));
  REQUIRE(first.until_output("ready"));
  const Flight second = fly(image.spec({"look", "pids", "ls", "/dev/shm", "ls", "/dev/mqueue"}));
  CHECK(second.output == "1 2 \n\n\n");
}

TEST_CASE("/dev holds what programs take for granted and nothing else", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  const Flight flight = fly(image.spec({"look", "ls", "/dev", "ls", "/dev/pts"}));
  CHECK(flight.output ==
        "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero \nptmx \n");
}

TEST_CASE("the payload goes first when memory ends", "[sandbox][escape]") {
  if (rerun_unprivileged()) return;
  Image image;
  CHECK(fly(image.spec({"look", "cat", "/proc/self/oom_score_adj"})).output == "1000\n");
}
