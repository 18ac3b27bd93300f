// SPDX-License-Identifier: Apache-2.0
#include "sandbox/clone_into.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "sandbox/base/io.h"
#include "test/catch.h"
#include "test/support/temp_dir.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;

namespace {

bool begins_in(const std::string& group) {
  const UniqueFd folder(::open(group.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd pidfd;
  const long pid = sandbox::clone_into(CLONE_NEWUSER | CLONE_NEWPID, pidfd, folder);
  if (pid == 0)
    for (;;) ::pause();
  if (pid < 0) return false;
  const std::string procs = read_file(group + "/cgroup.procs", 4096).value_or("");
  const bool sent = ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) == 0;
  ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  return sent && procs == std::to_string(pid) + "\n";
}

// The exit code says which expectation failed.
int in_own_mounts(const std::string& place) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", place.c_str(), "cgroup2", 0, nullptr) != 0)
    return 1;
  const std::string group = place + "/podpilot-test-" + std::to_string(::getpid());
  if (::mkdir(group.c_str(), 0755) != 0) return 2;
  int result = begins_in(group) ? 0 : 3;
  if (result == 0 && !(refuse_call(SYS_clone3, ENOSYS) && begins_in(group))) result = 4;
  ::rmdir(group.c_str());
  UniqueFd pidfd;
  const UniqueFd no_group(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (result == 0 && (sandbox::clone_into(0, pidfd, no_group) != -1 || pidfd)) result = 5;
  return result;
}

}  // namespace

TEST_CASE("a process begins in its group, where clone3 is refused, too", "[sandbox][cgroup]") {
  if (::geteuid() != 0) return;  // who is given no group has none to try
  const TempDir dir;
  dir.make_dir("groups");
  const pid_t pid = fork_into(CLONE_NEWNS);
  REQUIRE(pid >= 0);
  if (pid == 0) ::_exit(in_own_mounts(dir / "groups"));
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
