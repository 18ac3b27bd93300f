// SPDX-License-Identifier: Apache-2.0
#include "sandbox/kill.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <vector>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/proc_stat.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kMaxStat = 4096;

Result<std::vector<pid_t>> own_descendants() {
  constexpr unsigned kParent = 4;
  const DirFd proc = TRY(open_dir("/proc"));
  const std::vector<std::string> names = TRY(list_names(proc));
  std::map<pid_t, pid_t> parents;
  for (const std::string& name : names) {
    const auto pid = parse_number(name);
    if (!pid) continue;
    const Result<std::string> stat = read_file("/proc/" + name + "/stat", kMaxStat);
    const auto parent = stat ? stat_field(*stat, kParent) : std::nullopt;
    if (parent) parents.emplace(static_cast<pid_t>(*pid), static_cast<pid_t>(*parent));
  }
  return descendants(parents, ::getpid());
}

// A stopped process forks no more: when two rounds see the same ones, all of them are known.
Result<void> signal_descendants(int signal) {
  constexpr int kRounds = 100;
  std::vector<pid_t> known;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<pid_t> now = TRY(own_descendants());
    std::ranges::sort(now);
    for (const pid_t pid : now) ::kill(pid, signal == SIGCONT ? SIGCONT : SIGSTOP);
    if (now == known) break;
    known = std::move(now);
  }
  for (const pid_t pid : known) ::kill(pid, signal);
  return {};
}

void kill_everyone(int signal) {
  ::kill(-1, signal);
}

}  // namespace

Result<void> run_as(uid_t uid, void (*action)(int argument), int argument) {
  const pid_t child = ::fork();
  if (child < 0) return sys_error("fork");
  if (child == 0) {
    if (::syscall(SYS_setresuid, uid, uid, uid) != 0) ::_exit(1);
    action(argument);
    ::_exit(0);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return sys_error("wait");
  if (status != 0) return Error{Fault::denied, fmt::format("setuid to {} was refused", uid)};
  return {};
}

Result<void> signal_all(KillBy by, uid_t uid, int signal) {
  switch (by) {
    case KillBy::everyone:
      kill_everyone(signal);
      return {};
    case KillBy::uid:
      return run_as(uid, kill_everyone, signal);
    case KillBy::descendants:
      return signal_descendants(signal);
  }
  return {};
}

}  // namespace podpilot::sandbox
