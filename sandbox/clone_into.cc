// SPDX-License-Identifier: Apache-2.0
#include "sandbox/clone_into.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

namespace podpilot::sandbox {
namespace {

// Raw clone(2): clone3 and unshare are refused by seccomp profiles that let this through, and a
// null stack gives fork's semantics. Argument order as on x86-64 and arm64 for these five.
long plain_clone(std::uint64_t flags, int& pidfd) {
  return ::syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
}

long clone_in_group(std::uint64_t flags, int& pidfd, BorrowedFd cgroup) {
  clone_args args{};
  args.flags = flags | CLONE_PIDFD | CLONE_INTO_CGROUP;
  args.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.cgroup = static_cast<std::uint64_t>(cgroup.get());
  return ::syscall(SYS_clone3, &args, sizeof args);
}

bool move(long pid, BorrowedFd cgroup) {
  const UniqueFd procs(::openat(cgroup.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
  const std::string number = fmt::format("{}", pid);
  return procs && ::write(procs.get(), number.data(), number.size()) >= 0;
}

// The child waits until it has been moved, or its parent is gone. Its own new namespaces need not
// see the group.
long clone_and_move(std::uint64_t flags, int& pidfd, BorrowedFd cgroup) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  UniqueFd wait(ends[0]);
  UniqueFd moved(ends[1]);
  char byte = 0;
  const long pid = plain_clone(flags, pidfd);
  if (pid == 0) {
    moved.reset();
    if (::read(wait.get(), &byte, 1) != 1) ::_exit(1);
    return 0;
  }
  if (pid < 0 || (move(pid, cgroup) && ::write(moved.get(), &byte, 1) == 1)) return pid;
  const int err = errno;
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  ::waitpid(static_cast<pid_t>(pid), nullptr, 0);
  ::close(pidfd);
  errno = err;
  return -1;
}

}  // namespace

long clone_into(std::uint64_t flags, UniqueFd& pidfd, BorrowedFd cgroup) {
  int fd = -1;
  long pid = cgroup ? clone_in_group(flags, fd, cgroup) : plain_clone(flags, fd);
  // Profiles answer ENOSYS or EPERM to clone3 whatever its flags are, which they cannot see.
  if (pid < 0 && cgroup && (errno == ENOSYS || errno == EPERM))
    pid = clone_and_move(flags, fd, cgroup);
  if (pid > 0) pidfd.reset(fd);
  return pid;
}

}  // namespace podpilot::sandbox
