// SPDX-License-Identifier: Apache-2.0
#include "test/support/unprivileged.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "sandbox/base/fd.h"
#include "test/catch.h"

namespace podpilot::test {
namespace {

constexpr uid_t kUser = 1000;
constexpr int kVictimsFd = 3;

std::string current_test() {
  std::string name = Catch::getResultCapture().getCurrentTestName();
  std::string escaped;
  for (const char c : name) {
    if (c == ',' || c == '[' || c == '*' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

[[noreturn]] void become_unprivileged(const std::string& test, int victims) {
  // Reached by descriptor: the checkout may be below a folder that only root enters.
  if (victims >= 0 && ::dup2(victims, kVictimsFd) == kVictimsFd) {
    ::fcntl(kVictimsFd, F_SETFD, 0);
    ::setenv("PODPILOT_VICTIMS", "/proc/self/fd/3", 1);
  }
  for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap) >= 0; ++cap) ::prctl(PR_CAPBSET_DROP, cap);
  // The change of uid empties the permitted and effective sets.
  const bool dropped = ::setgroups(0, nullptr) == 0 && ::setresgid(kUser, kUser, kUser) == 0 &&
                       ::setresuid(kUser, kUser, kUser) == 0 &&
                       ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  if (!dropped) ::_exit(99);
  ::execl("/proc/self/exe", "unprivileged", test.c_str(), nullptr);
  ::_exit(98);
}

}  // namespace

bool rerun_unprivileged() {
  if (::geteuid() != 0) return false;
  const std::string test = current_test();
  const char* build = std::getenv("PODPILOT_BUILD");
  const UniqueFd victims(::open(((build ? std::string(build) : ".") + "/test/victims").c_str(),
                                O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) become_unprivileged(test, victims.get());
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  INFO("as uid 1000: the output is above");
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  return true;
}

}  // namespace podpilot::test
