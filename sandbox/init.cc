// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "sandbox/base/close_from.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/poller.h"
#include "sandbox/capabilities.h"
#include "sandbox/idmap.h"
#include "sandbox/mounts.h"
#include "sandbox/network.h"
#include "sandbox/payload.h"
#include "sandbox/report.h"

namespace podpilot::sandbox {
namespace {

constexpr int kReportFd = 3;

// 0, 1, 2 and the report socket are what stays of the launcher's descriptors.
Result<void> keep_only(InitContext& context) {
  int* wanted[] = {&context.stdio[0], &context.stdio[1], &context.stdio[2], &context.report};
  for (int* fd : wanted) {  // first out of the way of 0..3
    *fd = ::fcntl(*fd, F_DUPFD_CLOEXEC, kReportFd + 1);
    if (*fd < 0) return sys_error("dup");
  }
  for (int i = 0; i <= kReportFd; ++i)
    if (::dup3(*wanted[i], i, O_CLOEXEC) < 0) return sys_error("dup");
  if (!close_from(kReportFd + 1, CloseWhen::now)) return sys_error("close descriptors");
  context.report = kReportFd;
  return {};
}

// A folder would be a way out of the root: the payload could open "..".
Result<void> check_stdio() {
  for (int fd = 0; fd <= 2; ++fd) {
    struct stat st{};
    if (::fstat(fd, &st) != 0) return sys_error("fstat of a standard stream");
    if (S_ISDIR(st.st_mode))
      return Error{Fault::invalid, fmt::format("standard stream {} is a folder", fd)};
  }
  return {};
}

// The payload goes first when the pod runs out of memory; raising is always allowed.
Result<void> offer_to_oom_killer() {
  const UniqueFd fd(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!fd) return sys_error("open oom_score_adj");
  return write_all(fd, "1000");
}

// Ends with the launcher, and with the pilot: the launcher's death is a signal, the pilot's is the
// end of the report socket, which the reaper polls.
Result<void> tie_to_launcher(BorrowedFd report) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return sys_error("PR_SET_PDEATHSIG");
  // In a new pid namespace getppid() is 0 dead or alive; a pilot that is gone tells as much.
  pollfd peer{report.get(), POLLIN, 0};
  if (::poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR))) ::_exit(1);
  return {};
}

Result<void> make_workdir(const std::string& workdir) {
  for (std::size_t slash = workdir.find('/', 1);; slash = workdir.find('/', slash + 1)) {
    const std::string prefix = workdir.substr(0, slash);
    if (::mkdir(prefix.c_str(), 0755) != 0 && errno != EEXIST)
      return sys_error("working folder " + prefix);
    if (slash == std::string::npos) return {};
  }
}

Result<void> set_up(const Plan& plan, InitContext& context) {
  TRY(keep_only(context));
  TRY(check_stdio());
  // The launcher is not dumpable: without this /proc/self/uid_map would belong to root.
  ::prctl(PR_SET_DUMPABLE, 1);
  TRY(offer_to_oom_killer());
  TRY(map_single_id(plan.user, context.outer_uid, context.outer_gid).within("map ids"));
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return sys_error("PR_SET_DUMPABLE");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_error("PR_SET_NO_NEW_PRIVS");
  TRY(tie_to_launcher(BorrowedFd(context.report)));
  if (!plan.hostname.empty() && ::sethostname(plan.hostname.data(), plan.hostname.size()) != 0)
    return sys_error("sethostname");
  if (plan.namespaces & CLONE_NEWNET) TRY(raise_loopback().within("raise lo"));
  ::umask(0);
  MountBuilder mounts(std::move(context.hidden));
  TRY(mounts.begin(plan.workspace).within("prepare mounts"));
  for (const Step& step : plan.steps) TRY(mounts.carry_out(step));
  ::umask(022);
  TRY(make_workdir(plan.workdir));
  if (plan.read_only_root) TRY(make_root_read_only().within("make the root read-only"));
  return {};
}

void kill_everybody(int signal) {
  ::kill(-1, signal);
}  // all of the pid namespace but pid 1

// Waits for the payload's end; everybody else is reaped on the way.
class Reaper {
 public:
  Reaper(pid_t payload, BorrowedFd report) : payload_(payload), report_(report) {}

  Result<int> run(const SignalFd& signals) {
    for (;;) {
      pollfd fds[] = {{signals.fd().get(), POLLIN, 0}, {report_.get(), 0, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) return sys_error("poll");
      if (fds[1].revents & (POLLHUP | POLLERR)) return Error{Fault::not_found, "pilot is gone"};
      while (const int signal = signals.next()) {
        if (signal == SIGCHLD) {
          reap();
        } else if (signal == order_suspend()) {
          kill_everybody(SIGSTOP);
        } else if (signal == order_resume()) {
          kill_everybody(SIGCONT);
        } else if (signal == order_kill()) {
          kill_everybody(SIGKILL);
        } else {
          ::kill(payload_, signal);
        }
        if (ended_) return *ended_;
      }
    }
  }

 private:
  void reap() {
    int status = 0;
    while (const pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
      if (pid < 0) return;
      if (pid == payload_) ended_ = status;
    }
  }

  pid_t payload_;
  BorrowedFd report_;
  std::optional<int> ended_;
};

// What the payload left running counts as well: getrusage(2) knows only the reaped.
void reap_everybody() {
  kill_everybody(SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

// Files in a tmpfs take memory that no process need have mapped, and the pilot cannot reach this
// root by a path.
Result<void> report_tmpfs(const Plan& plan, BorrowedFd report) {
  for (const Step& step : plan.steps) {
    if (step.op != Op::tmpfs) continue;
    const UniqueFd fd(::open(step.target.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return sys_error("open " + step.target);
    TRY(send_report(report, {.kind = ReportKind::memory}, fd));
  }
  return {};
}

Report ended_report(int wait_status) {
  Report report{.kind = ReportKind::ended, .wait_status = wait_status};
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  report.user_us = usage.ru_utime.tv_sec * 1'000'000 + usage.ru_utime.tv_usec;
  report.system_us = usage.ru_stime.tv_sec * 1'000'000 + usage.ru_stime.tv_usec;
  report.max_rss_kib = usage.ru_maxrss;
  return report;
}

// Everything up to the payload's end.
Result<int> live(const Plan& plan, InitContext& context, Report& failure) {
  failure.kind = ReportKind::failed;
  const BorrowedFd report(kReportFd);
  TRY(set_up(plan, context));
  const SignalFd signals = TRY(SignalFd::create_for_all());

  PayloadTerminal terminal;
  if (plan.terminal) {
    terminal = TRY(open_payload_terminal());
    TRY(send_report(report, {.kind = ReportKind::terminal}, terminal.master));
    terminal.master.reset();
  }
  TRY(report_tmpfs(plan, report));
  Payload payload = TRY(fork_payload(plan, terminal.slave));
  TRY(keep_capabilities(0));
  for (int fd = 0; fd < kReportFd; ++fd) ::close(fd);  // the payload's alone: readers see its EOF
  terminal.slave.reset();

  Result<void> executed = wait_for_exec(payload);
  if (!executed) {
    const Fault fault = executed.error().fault;
    if (fault == Fault::not_found || fault == Fault::denied)
      failure.kind = ReportKind::not_executed;
    return std::move(executed).error();
  }
  TRY(send_report(report, {.kind = ReportKind::started,
                           .cloned_ns = context.cloned_ns,
                           .executed_ns = monotonic_ns()}));
  return Reaper(payload.pid, report).run(signals);
}

}  // namespace

void run_init(const Plan& plan, InitContext context) {
  const BorrowedFd early(context.report);
  Report failure;
  const Result<int> status = live(plan, context, failure);
  if (status) {
    reap_everybody();
    [[maybe_unused]] const auto sent = send_report(BorrowedFd(kReportFd), ended_report(*status));
    ::_exit(0);
  }
  failure.set_error(status.error());
  const BorrowedFd now = context.report == kReportFd ? BorrowedFd(kReportFd) : early;
  [[maybe_unused]] const auto sent = send_report(now, failure);
  ::_exit(1);
}

}  // namespace podpilot::sandbox
