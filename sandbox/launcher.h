// SPDX-License-Identifier: Apache-2.0
// Starts sandboxes. The launcher is a single-threaded child of the pilot that holds no secret: it
// is forked before any is read and before any thread exists, because namespaces and threads do not
// mix (a threaded process cannot make a user namespace) and a sandbox's pid 1 is its fork.
#pragma once

#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/process.h"
#include "sandbox/base/result.h"
#include "sandbox/plan.h"
#include "sandbox/report.h"

namespace podpilot::sandbox {

// A running sandbox. Its destructor kills it, with everything inside.
class Sandbox {
 public:
  Sandbox(UniqueFd pidfd, UniqueFd reports)
      : pidfd_(std::move(pidfd)), reports_(std::move(reports)) {}
  Sandbox(Sandbox&&) noexcept = default;
  Sandbox& operator=(Sandbox&&) noexcept;
  ~Sandbox();

  BorrowedFd reports() const { return reports_; }  // POLLIN: see receive_report()
  BorrowedFd ended() const { return pidfd_; }      // POLLIN: no process of the sandbox is left

  // To the payload; SIGKILL and SIGSTOP are kill() and suspend(). Fault::invalid for SIGRTMIN to
  // SIGRTMIN + 2, which are taken.
  Result<void> signal(int signal) const;
  Result<void> suspend() const;  // every process of the sandbox
  Result<void> resume() const;
  // Every process inside; usage is still reported. Where pid 1 does not answer, kill_now().
  Result<void> kill() const;
  Result<void> kill_now() const;

 private:
  Result<void> send(int signal) const;  // to pid 1

  UniqueFd pidfd_;
  UniqueFd reports_;
};

// Payload's 0, 1 and 2; ignored where the plan asks for a terminal.
struct Stdio {
  BorrowedFd in;
  BorrowedFd out;
  BorrowedFd error;
};

class Launcher {
 public:
  // Forks. Call it first thing, on the thread that lasts: the launcher dies with that thread.
  static Result<Launcher> start();

  // Takes as long as one clone(2). What fails after it comes as a report. `cgroup`: the folder of a
  // control group that the sandbox is born in, every process of it; none: the launcher's. `kept`
  // stay open in the launcher, out of the payload's reach, until no process of the sandbox is left,
  // also where the pilot is killed; a message takes kMaxMessageDescriptors in all.
  Result<Sandbox> launch(const Plan& plan, const Stdio& stdio, BorrowedFd cgroup = {},
                         const std::vector<BorrowedFd>& kept = {});

  // POLLIN: it is gone, and every sandbox with it.
  BorrowedFd ended() const { return child_.pidfd(); }
  // Ends it, and sandboxes that still run, without waiting; the destructor waits.
  void retire() const;

 private:
  Launcher(ChildProcess child, UniqueFd control)
      : control_(std::move(control)), child_(std::move(child)) {}
  UniqueFd control_;
  ChildProcess child_;
};

}  // namespace podpilot::sandbox
