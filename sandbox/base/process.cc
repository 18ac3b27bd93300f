// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/base/close_from.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// The child between fork and exec: async-signal-safe calls only. `fds` is moved out of the way of
// 0..n-1 first, so that no slot is overwritten before it is used.
[[noreturn]] void become(const char* program, char* const* argv, char* const* env, int* fds,
                         int count, int report, pid_t parent) {
  const auto fail = [&] {
    const int err = errno;
    [[maybe_unused]] const ssize_t n = ::write(report, &err, sizeof err);
    ::_exit(127);
  };
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) fail();
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  ::setsid();
  report = ::fcntl(report, F_DUPFD_CLOEXEC, count);
  if (report < 0) ::_exit(127);
  for (int i = 0; i < count; ++i) {
    fds[i] = fds[i] < 0 ? ::open("/dev/null", O_RDWR | O_CLOEXEC) : fds[i];
    fds[i] = ::fcntl(fds[i], F_DUPFD_CLOEXEC, count);
    if (fds[i] < 0) fail();
  }
  for (int i = 0; i < count; ++i)
    if (::dup2(fds[i], i) < 0) fail();
  if (!close_from(count, CloseWhen::on_exec)) fail();
  ::execve(program, argv, env);
  fail();
  ::_exit(127);
}

}  // namespace

ExitStatus ExitStatus::of_wait_status(int status) {
  if (WIFSIGNALED(status))
    return {.signal = WTERMSIG(status), .core_dumped = WCOREDUMP(status) != 0};
  return {.code = WEXITSTATUS(status)};
}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  // Best effort: a child that has ended already answers ESRCH.
  [[maybe_unused]] const auto killed = kill(SIGKILL);
  [[maybe_unused]] const auto reaped = wait(Deadline::never());
}

Result<void> ChildProcess::kill(int signal) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0)
    return sys_error("kill");
  return {};
}

Result<std::optional<ExitStatus>> ChildProcess::wait(Deadline deadline, rusage* usage) {
  pollfd ended{pidfd_.get(), POLLIN, 0};
  for (;;) {
    const int n = ::poll(&ended, 1, deadline.poll_timeout());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("poll");
    if (n == 0) return std::optional<ExitStatus>();
    int status = 0;
    if (::wait4(pid_, &status, 0, usage) != pid_) return sys_error("wait4");
    pid_ = 0;
    pidfd_.reset();
    return std::optional(ExitStatus::of_wait_status(status));
  }
}

Result<UniqueFd> open_pidfd(pid_t pid) {
  // By number: glibc 2.36 declares its wrappers without extern "C".
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return sys_error("pidfd_open");
  return fd;
}

Result<pid_t> pid_of(BorrowedFd pidfd) {
  constexpr std::size_t kMaxText = 4096;
  const std::string text =
      TRY(read_file(fmt::format("/proc/self/fdinfo/{}", pidfd.get()), kMaxText));
  constexpr std::string_view kKey = "\nPid:\t";
  const std::size_t found = text.find(kKey);
  if (found == std::string::npos) return Error{Fault::internal, "not a pidfd"};
  const std::string_view value = std::string_view(text).substr(found + kKey.size());
  // -1: it was reaped; 0: it is not in the pid namespace of our /proc.
  const auto pid = parse_number(value.substr(0, value.find('\n')));
  if (!pid || *pid == 0) return Error{Fault::not_found, "the process is gone"};
  return static_cast<pid_t>(*pid);
}

Result<ChildProcess> spawn(const SpawnOptions& options) {
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return sys_error("pipe");
  UniqueFd ours(report[0]);
  UniqueFd theirs(report[1]);
  const std::vector<char*> argv = pointers(options.argv);
  const std::vector<char*> env = pointers(options.environment);
  std::vector<int> fds(std::max<std::size_t>(3, options.descriptors.size()), -1);
  for (std::size_t i = 0; i < options.descriptors.size(); ++i)
    fds[i] = options.descriptors[i].get();

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return sys_error("fork");
  if (pid == 0)
    become(options.program.c_str(), argv.data(), env.data(), fds.data(),
           static_cast<int>(fds.size()), theirs.get(), parent);
  theirs.reset();
  UniqueFd pidfd = TRY(open_pidfd(pid));
  ChildProcess child(pid, std::move(pidfd));
  int err = 0;
  const std::size_t n = TRY(read_some(ours, reinterpret_cast<char*>(&err), sizeof err));
  if (n == sizeof err) return sys_error("exec " + options.program, err);
  return child;
}

}  // namespace podpilot
