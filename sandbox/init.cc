// SPDX-License-Identifier: Apache-2.0
#include "sandbox/init.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "sandbox/base/close_from.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/poller.h"
#include "sandbox/call_service.h"
#include "sandbox/capabilities.h"
#include "sandbox/idmap.h"
#include "sandbox/kill.h"
#include "sandbox/landlock.h"
#include "sandbox/mounts.h"
#include "sandbox/network.h"
#include "sandbox/payload.h"
#include "sandbox/report.h"
#include "sandbox/transplant.h"

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
// end of the report socket, which the reaper polls. Without a pid namespace the signal would leave
// the job behind: there the end of the socket alone counts, and the job is cleared away.
Result<void> tie_to_launcher(const Plan& plan, BorrowedFd report) {
  const bool takes_all_along = (plan.namespaces & CLONE_NEWPID) != 0;
  if (takes_all_along && ::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    return sys_error("PR_SET_PDEATHSIG");
  if (!takes_all_along && ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    return sys_error("PR_SET_CHILD_SUBREAPER");
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

bool carries_out(const Plan& plan) {
  return std::ranges::find(plan.filters, Filter::metadata) != plan.filters.end();
}

uid_t payload_uid(const Plan& plan) {
  return plan.ids == Ids::set ? plan.user.uid : ::geteuid();
}

// Carries out the plan's steps, and undoes them when the job is over.
class Root {
 public:
  Root(const Plan& plan, std::vector<pid_t> hidden) : plan_(plan), mounts_(std::move(hidden)) {}
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() {
    // What stays is found again when the next job begins, which is not started over it.
    [[maybe_unused]] const auto undone = undo();
  }

  Result<void> build() {
    const bool any_mounts = (plan_.namespaces & CLONE_NEWNS) != 0;
    if (any_mounts) TRY(mounts_.begin(plan_.workspace).within("prepare mounts"));
    if (!any_mounts) transplant_ = TRY(Transplant::begin(payload_uid(plan_)));
    for (const Step& step : plan_.steps)
      TRY(mounts(step.op) ? mounts_.carry_out(step) : transplant_->carry_out(step));
    return {};
  }

  // Nothing to do for mounts: they go with their namespace.
  Result<void> undo() {
    if (!transplant_) return {};
    Result<void> first;
    for (auto step = plan_.steps.rbegin(); step != plan_.steps.rend(); ++step) {
      Result<void> undone = transplant_->undo(*step);
      if (first && !undone) first = std::move(undone);
    }
    transplant_.reset();
    return first;
  }

 private:
  const Plan& plan_;
  MountBuilder mounts_;
  std::optional<Transplant> transplant_;
};

Result<void> set_up(const Plan& plan, InitContext& context, Root& root) {
  TRY(keep_only(context));
  TRY(check_stdio());
  // The launcher is not dumpable: without this /proc/self/uid_map would belong to root.
  ::prctl(PR_SET_DUMPABLE, 1);
  TRY(offer_to_oom_killer());
  if (plan.ids == Ids::map)
    TRY(map_single_id(plan.user, context.outer_uid, context.outer_gid).within("map ids"));
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return sys_error("PR_SET_DUMPABLE");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_error("PR_SET_NO_NEW_PRIVS");
  TRY(tie_to_launcher(plan, BorrowedFd(context.report)));
  if (!plan.hostname.empty() && ::sethostname(plan.hostname.data(), plan.hostname.size()) != 0)
    return sys_error("sethostname");
  if (plan.namespaces & CLONE_NEWNET) TRY(raise_loopback().within("raise lo"));
  ::umask(0);
  TRY(root.build());
  ::umask(022);
  if (plan.own_domain) TRY(restrict_signals().within("a Landlock domain for the job"));
  TRY(make_workdir(plan.workdir));
  if (plan.read_only_root) TRY(make_root_read_only().within("make the root read-only"));
  return {};
}

void signal_job(const Plan& plan, int signal) {
  // Whoever is left is met again by the next signal, and by the end of the namespace if there is
  // one.
  [[maybe_unused]] const auto sent = signal_all(plan.kill, payload_uid(plan), signal);
}

// Nothing of the job is left when this returns; without a pid namespace nobody else would see to
// it. Orphans are this process' children, and count in its usage: getrusage(2) knows the reaped.
void end_job(const Plan& plan) {
  constexpr auto kPause = std::chrono::microseconds(200);
  while (true) {
    signal_job(plan, SIGKILL);
    pid_t reaped = 0;
    while ((reaped = ::waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    if (reaped < 0 && errno == ECHILD) return;
    std::this_thread::sleep_for(kPause);
  }
}

// Waits for the payload's end; everybody else is reaped on the way.
class Reaper {
 public:
  Reaper(const Plan& plan, pid_t payload, BorrowedFd report, std::optional<CallService> calls)
      : plan_(plan), payload_(payload), report_(report), calls_(std::move(calls)) {}

  Result<int> run(const SignalFd& signals) {
    for (;;) {
      pollfd fds[] = {{signals.fd().get(), POLLIN, 0},
                      {report_.get(), 0, 0},
                      {calls_ ? calls_->listener().get() : -1, POLLIN, 0}};
      if (::poll(fds, 3, -1) < 0 && errno != EINTR) return sys_error("poll");
      if (fds[1].revents & (POLLHUP | POLLERR)) return Error{Fault::not_found, "pilot is gone"};
      while (const int signal = signals.next()) {
        if (signal == SIGCHLD) {
          reap();
        } else if (signal == order_suspend()) {
          signal_job(plan_, SIGSTOP);
        } else if (signal == order_resume()) {
          signal_job(plan_, SIGCONT);
        } else if (signal == order_kill()) {
          signal_job(plan_, SIGKILL);
        } else {
          ::kill(payload_, signal);
        }
        if (ended_) return *ended_;
      }
      if (fds[2].revents & POLLIN)
        calls_->serve();
      else if (fds[2].revents != 0)
        calls_.reset();
    }
  }

 private:
  void reap() {
    int status = 0;
    while (const pid_t pid = ::waitpid(-1, &status, WNOHANG)) {
      if (pid < 0) return;
      if (WIFSTOPPED(status))
        let_go(pid, WSTOPSIG(status));
      else if (pid == payload_)
        ended_ = status;
    }
  }

  // PTRACE_TRACEME makes this process the tracer of its children, whose every signal would wait.
  static void let_go(pid_t child, int signal) {
    const long passed_on = signal == SIGTRAP ? 0 : signal;  // a traced execve's own signal
    ::ptrace(PTRACE_DETACH, child, nullptr, passed_on);
  }

  const Plan& plan_;
  pid_t payload_;
  BorrowedFd report_;
  std::optional<CallService> calls_;
  std::optional<int> ended_;
};

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
  Root root(plan, std::move(context.hidden));
  TRY(set_up(plan, context, root));
  const SignalFd signals = TRY(SignalFd::create_for_all());

  PayloadTerminal terminal;
  if (plan.terminal) {
    terminal = TRY(open_payload_terminal());
    TRY(send_report(report, {.kind = ReportKind::terminal}, terminal.master));
    terminal.master.reset();
  }
  TRY(report_tmpfs(plan, report));
  Payload payload = TRY(fork_payload(plan, terminal.slave));
  // Without a user namespace of its own it needs what it has to end the job and to clear up.
  // To carry out the payload's changes of metadata it needs what the payload has.
  if (plan.ids == Ids::map) TRY(keep_capabilities(carries_out(plan) ? plan.capabilities : 0));
  for (int fd = 0; fd < kReportFd; ++fd) ::close(fd);  // the payload's alone: readers see its EOF
  terminal.slave.reset();

  Result<UniqueFd> executed = wait_for_exec(payload);
  if (!executed) {
    const Fault fault = executed.error().fault;
    if (fault == Fault::not_found || fault == Fault::denied)
      failure.kind = ReportKind::not_executed;
    return std::move(executed).error();
  }
  std::optional<CallService> calls;
  if (*executed) {
    const bool may_chroot = (plan.capabilities & cap_bit(CAP_SYS_CHROOT)) != 0;
    calls = TRY(CallService::create(*std::move(executed), plan.reach, may_chroot));
  }
  TRY(send_report(report, {.kind = ReportKind::started,
                           .cloned_ns = context.cloned_ns,
                           .executed_ns = monotonic_ns()}));
  Result<int> status = Reaper(plan, payload.pid, report, std::move(calls)).run(signals);
  end_job(plan);
  TRY(root.undo());
  return status;
}

}  // namespace

void run_init(const Plan& plan, InitContext context) {
  const BorrowedFd early(context.report);
  Report failure;
  const Result<int> status = live(plan, context, failure);
  if (status) {
    [[maybe_unused]] const auto sent = send_report(BorrowedFd(kReportFd), ended_report(*status));
    ::_exit(0);
  }
  failure.set_error(status.error());
  const BorrowedFd now = context.report == kReportFd ? BorrowedFd(kReportFd) : early;
  [[maybe_unused]] const auto sent = send_report(now, failure);
  ::_exit(1);
}

}  // namespace podpilot::sandbox
