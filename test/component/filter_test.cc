// SPDX-License-Identifier: Apache-2.0
// The filters as the kernel applies them; what they say to each call is in unit/sandbox.
#include "sandbox/seccomp/filter.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "test/catch.h"
#include "test/support/temp_dir.h"
#include "test/support/unprivileged.h"

using namespace podpilot;
using namespace podpilot::test;
using sandbox::Filter;

namespace {

constexpr int kNotLoaded = 255;

// The errno that `call` fails with behind these filters, 0 where it succeeds.
int behind(std::initializer_list<Filter> filters, const std::function<long()>& call) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !sandbox::load_filters(filters))
      ::_exit(kNotLoaded);
    ::_exit(call() < 0 ? errno : 0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("the guard keeps a payload's hands off a process of its own uid", "[sandbox][filter]") {
  if (rerun_unprivileged()) return;
  const pid_t pilot = ::getpid();
  const rlimit limit{1 << 20, 1 << 20};
  const int priority = ::getpriority(PRIO_PROCESS, 0);
  const std::function<long()> attacks[] = {
      [&] { return ::prlimit(pilot, RLIMIT_CORE, &limit, nullptr); },
      [&] { return ::setpriority(PRIO_PROCESS, static_cast<id_t>(pilot), priority); },
      [&] { return ::syscall(SYS_ioprio_set, 1, pilot, 3 << 13); },
      [&] {
        cpu_set_t cpus;
        return ::sched_getaffinity(0, sizeof cpus, &cpus) < 0
                   ? 0
                   : ::sched_setaffinity(pilot, sizeof cpus, &cpus);
      },
      [&] {
        const sched_param none{};
        return ::sched_setscheduler(pilot, SCHED_BATCH, &none);
      },
  };
  for (std::size_t i = 0; i < std::size(attacks); ++i) {
    CAPTURE(i);
    CHECK(behind({Filter::payload}, attacks[i]) == 0);
    CHECK(behind({Filter::payload, Filter::guard, Filter::no_numbers}, attacks[i]) == EPERM);
  }
  const std::function<long()> own[] = {
      [&] { return ::prlimit(0, RLIMIT_CORE, &limit, nullptr); },
      [&] { return ::setpriority(PRIO_PROCESS, 0, priority); },
      [] { return ::syscall(SYS_ioprio_set, 1, 0, 3 << 13); },
  };
  for (const auto& call : own)
    CHECK(behind({Filter::payload, Filter::guard, Filter::no_numbers}, call) == 0);
  const auto trace_me = [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); };
  CHECK(behind({Filter::payload, Filter::guard}, trace_me) == 0);
  CHECK(behind({Filter::payload, Filter::guard, Filter::no_trace}, trace_me) == EPERM);
}

TEST_CASE("without a network only sockets between processes open", "[sandbox][filter]") {
  if (rerun_unprivileged()) return;
  const auto open = [](int family) {
    return [family] { return ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0); };
  };
  CHECK(behind({Filter::payload}, open(AF_INET)) == 0);
  CHECK(behind({Filter::payload, Filter::no_network}, open(AF_INET)) == EACCES);
  CHECK(behind({Filter::payload, Filter::no_network}, open(AF_INET6)) == EACCES);
  CHECK(behind({Filter::payload, Filter::no_network}, open(AF_UNIX)) == 0);
  CHECK(behind({Filter::payload, Filter::no_network}, [] {
          int ends[2];
          return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
        }) == 0);
}

TEST_CASE("a fake root's calls succeed and change nothing", "[sandbox][filter]") {
  if (rerun_unprivileged()) return;
  const TempDir dir;
  dir.write("file", "");
  const std::string file = dir / "file";
  const std::string node = dir / "node";
  const std::function<long()> calls[] = {
      [&] { return ::chown(file.c_str(), 4711, 4711); },
      // Not setuid(3), which has each thread of the process do it: a sanitizer's is not filtered.
      [] { return ::syscall(SYS_setuid, 4711); },
      [] {
        const gid_t group = 4711;
        return ::syscall(SYS_setgroups, 1, &group);
      },
      [&] { return ::mknod(node.c_str(), S_IFCHR | 0600, makedev(1, 3)); },
  };
  for (std::size_t i = 0; i < std::size(calls); ++i) {
    CAPTURE(i);
    CHECK(behind({Filter::payload}, calls[i]) == EPERM);
    CHECK(behind({Filter::payload, Filter::guard, Filter::no_network, Filter::fake_root},
                 calls[i]) == 0);
  }
  struct stat st{};
  REQUIRE(::stat(file.c_str(), &st) == 0);
  CHECK(st.st_uid == ::getuid());
  CHECK(::stat(node.c_str(), &st) != 0);
  CHECK(behind({Filter::payload, Filter::fake_root},
               [&] { return ::mkfifo(node.c_str(), 0600); }) == 0);
  REQUIRE(::stat(node.c_str(), &st) == 0);
  CHECK(S_ISFIFO(st.st_mode));
}
