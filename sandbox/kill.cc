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
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kMaxStat = 4096;

// The parent of a process; 0 where it is gone.
pid_t parent_of(const std::string& pid) {
  const Result<std::string> stat = read_file("/proc/" + pid + "/stat", kMaxStat);
  if (!stat) return 0;
  // proc_pid_stat(5): the name may hold anything, so count from its last ')'.
  const std::vector<std::string_view> fields =
      split(std::string_view(*stat).substr(stat->rfind(')') + 1), ' ');
  constexpr std::size_t kParent = 2;
  if (fields.size() <= kParent) return 0;
  return static_cast<pid_t>(parse_number(fields[kParent]).value_or(0));
}

Result<std::vector<pid_t>> descendants() {
  const DirFd proc = TRY(open_dir("/proc"));
  std::multimap<pid_t, pid_t> children;
  const std::vector<std::string> names = TRY(list_names(proc));
  for (const std::string& name : names)
    if (const auto pid = parse_number(name))
      children.emplace(parent_of(name), static_cast<pid_t>(*pid));
  std::vector<pid_t> found;
  std::vector<pid_t> todo = {::getpid()};
  while (!todo.empty()) {
    const pid_t parent = todo.back();
    todo.pop_back();
    const auto [first, last] = children.equal_range(parent);
    for (auto child = first; child != last; ++child) {
      found.push_back(child->second);
      todo.push_back(child->second);
    }
  }
  return found;
}

// A stopped process forks no more: when two rounds see the same ones, all of them are known.
Result<void> signal_descendants(int signal) {
  constexpr int kRounds = 100;
  std::vector<pid_t> known;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<pid_t> now = TRY(descendants());
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
