// SPDX-License-Identifier: Apache-2.0
// A child of ours by its pidfd: no number that could meanwhile be somebody else.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot {

// How a process ended: exit code, or the signal that killed it.
struct ExitStatus {
  int code = 0;
  int signal = 0;  // 0: it exited
  bool core_dumped = false;

  static ExitStatus of_wait_status(int status);
  // The other way round, as wait(2) has it.
  int wait_status() const { return signal ? signal | (core_dumped ? 0x80 : 0) : code << 8; }
  // What a shell reports: the code, or 128 + signal.
  int shell_code() const { return signal ? 128 + signal : code; }
};

// Move-only; the destructor kills and reaps what is still running.
class ChildProcess {
 public:
  ChildProcess() = default;
  ChildProcess(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  ChildProcess(ChildProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  BorrowedFd pidfd() const { return pidfd_; }  // readable (POLLIN) once the process has ended
  explicit operator bool() const { return pid_ > 0; }

  Result<void> kill(int signal) const;
  // Waits up to `deadline`; nothing if it still runs then. Fills `usage` where asked to.
  Result<std::optional<ExitStatus>> wait(Deadline deadline, rusage* usage = nullptr);

 private:
  pid_t pid_ = 0;
  UniqueFd pidfd_;
};

struct SpawnOptions {
  std::string program;  // a path, not looked up in PATH; "/proc/self/exe" is this binary
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
  // Descriptor i of the child; 0, 1 and 2 that are not given become /dev/null. All others of ours
  // are closed.
  std::vector<BorrowedFd> descriptors;
};

// fork + exec. The child is in a session of its own, has default signal handling, and is killed
// when the *thread* that called this ends (PR_SET_PDEATHSIG): call it from a thread that lasts.
// A program that cannot be executed is an error here, not an exit code of the child.
Result<ChildProcess> spawn(const SpawnOptions& options);

Result<UniqueFd> open_pidfd(pid_t pid);
// As our /proc shows it. Fault::not_found once it has ended and was reaped.
Result<pid_t> pid_of(BorrowedFd pidfd);

}  // namespace podpilot
