// SPDX-License-Identifier: Apache-2.0
#include "sandbox/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <iterator>
#include <map>

#include "sandbox/base/close_from.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/poller.h"
#include "sandbox/base/proc_stat.h"
#include "sandbox/base/socket.h"
#include "sandbox/base/text.h"
#include "sandbox/clone_into.h"
#include "sandbox/init.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kMaxPlanBytes = 8 << 20;  // over ARG_MAX's usual 2 MiB of argv and env
constexpr int kControlFd = 3;                   // in the launcher
constexpr std::size_t kRequestDescriptors = 4;  // plan, stdin, stdout, stderr
constexpr std::size_t kReplyDescriptors = 2;    // pidfd, reports

// A request, by the descriptors that follow the first: the folder of a cgroup or none, then what is
// to be kept.
constexpr std::string_view kLaunch = "launch";
constexpr std::string_view kLaunchInGroup = "launch in a group";

// The launcher's reply to a request: descriptors, or this.
struct Refusal {
  Fault fault = Fault::internal;
  char text[200] = {};
};

struct Started {
  pid_t pid = 0;  // of pid 1, here
  UniqueFd pidfd;
  UniqueFd reports;
};

// A sandbox whose pid 1 was not reaped yet: what it needs, and how it is ended.
struct Child {
  bool has_pids = false;  // a pid namespace, which goes with its first process
  std::vector<UniqueFd> kept;
};
using Children = std::map<pid_t, Child>;

// Every refusal of a namespace is the pod's: EPERM seccomp, EACCES an LSM, ENOSPC a sysctl, ENOSYS
// and EINVAL an old kernel or profile. Out of processes or memory it may be able to next time.
Error namespaces_refused(int err) {
  Error error = sys_error("clone with new namespaces", err);
  if (err != EAGAIN && err != ENOMEM) error.fault = Fault::unsupported;
  return error;
}

Result<Started> clone_sandbox(const Plan& plan, const std::vector<UniqueFd>& request,
                              BorrowedFd cgroup, const std::vector<pid_t>& hidden) {
  auto [ours, theirs] = TRY(socket_pair());
  InitContext context{.report = theirs.get(),
                      .stdio = {request[1].get(), request[2].get(), request[3].get()},
                      .outer_uid = ::geteuid(),
                      .outer_gid = ::getegid(),
                      .hidden = hidden,
                      .cloned_ns = monotonic_ns()};
  UniqueFd pidfd;
  const long pid = clone_into(plan.namespaces, pidfd, cgroup);
  if (pid < 0) return namespaces_refused(errno);
  if (pid == 0) {
    ours.reset();
    run_init(plan, std::move(context));
  }
  return Started{static_cast<pid_t>(pid), std::move(pidfd), std::move(ours)};
}

Result<Started> serve(Message& request, const std::vector<pid_t>& hidden, Children& children) {
  const bool grouped = request.bytes == kLaunchInGroup;
  const std::size_t needed = kRequestDescriptors + (grouped ? 1 : 0);
  if (request.descriptors.size() < needed)
    return Error{Fault::internal, "a request without its descriptors"};
  ::lseek(request.descriptors[0].get(), 0, SEEK_SET);
  const std::string bytes = TRY(read_all(request.descriptors[0], kMaxPlanBytes));
  const Plan plan = TRY(parse_plan(bytes));
  const BorrowedFd cgroup =
      grouped ? BorrowedFd(request.descriptors[kRequestDescriptors]) : BorrowedFd();
  Started started = TRY(clone_sandbox(plan, request.descriptors, cgroup, hidden));
  Child& child = children[started.pid];
  child.has_pids = (plan.namespaces & CLONE_NEWPID) != 0;
  const auto kept = request.descriptors.begin() + static_cast<std::ptrdiff_t>(needed);
  child.kept.assign(std::make_move_iterator(kept),
                    std::make_move_iterator(request.descriptors.end()));
  return started;
}

Result<void> answer(BorrowedFd control, const Result<Started>& started) {
  if (started) return send_message(control, "+", {started->pidfd, started->reports});
  Refusal refusal{.fault = started.error().fault};
  std::strncpy(refusal.text, started.error().text.c_str(), sizeof refusal.text - 1);
  return send_message(control, {reinterpret_cast<const char*>(&refusal), sizeof refusal});
}

Result<void> launcher_loop(BorrowedFd control, const std::vector<pid_t>& hidden,
                           Children& children) {
  const SignalFd ended = TRY(SignalFd::create({SIGCHLD}));
  for (;;) {
    pollfd fds[] = {{control.get(), POLLIN, 0}, {ended.fd().get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return sys_error("poll");
    while (ended.next() != 0) {
    }
    while (const pid_t pid = ::waitpid(-1, nullptr, WNOHANG)) {
      if (pid < 0) break;
      children.erase(pid);
    }
    if (fds[0].revents == 0) continue;
    std::optional<Message> request = TRY(receive_message(control, 64, Wait::yes));
    if (!request || request->bytes.empty()) return {};  // the pilot is gone or done
    const Result<void> answered = answer(control, serve(*request, hidden, children));
    if (!answered && answered.error().fault != Fault::not_found) return answered;
  }
}

// A supervisor without a pid namespace clears its job away once nobody reads its reports. All are
// waited for: a process can be reaped when none of its namespace is left (zap_pid_ns_processes() in
// kernel/pid_namespace.c), while its own descriptors close before the others are so much as killed.
void end_sandboxes(Children children) {
  for (const auto& [pid, child] : children)
    if (child.has_pids) ::kill(pid, SIGKILL);
  while (!children.empty()) {
    const pid_t pid = ::waitpid(-1, nullptr, 0);
    if (pid < 0 && errno != EINTR) return;
    children.erase(pid);
  }
}

// The command line of a process can be read by all that see its /proc entry, and a sandbox's pid 1
// is a fork of this one: nothing of the pilot's shall be in it. The environment goes along.
void hide_arguments() {
  constexpr std::size_t kMaxStat = 4096;
  const Result<std::string> stat = read_file("/proc/self/stat", kMaxStat);
  if (!stat) return;
  constexpr unsigned kBounds = 48;  // of both, start and end
  std::uint64_t bounds[4] = {};
  for (unsigned i = 0; i < 4; ++i) bounds[i] = stat_field(*stat, kBounds + i).value_or(0);
  for (std::size_t i = 0; i < 4; i += 2)
    if (bounds[i] != 0 && bounds[i] < bounds[i + 1])
      std::memset(reinterpret_cast<void*>(bounds[i]), 0, bounds[i + 1] - bounds[i]);
  constexpr std::string_view kTitle = "podpilot";
  if (bounds[0] != 0 && bounds[0] + kTitle.size() < bounds[1])
    std::memcpy(reinterpret_cast<void*>(bounds[0]), kTitle.data(), kTitle.size());
}

[[noreturn]] void run_launcher(UniqueFd control, pid_t pilot) {
  // The end of the control socket tells that the pilot is gone, but not to one that was stopped.
  ::prctl(PR_SET_PDEATHSIG, SIGCONT);
  if (::getppid() != pilot) ::_exit(1);
  ::prctl(PR_SET_NAME, "podpilot-launch");
  ::prctl(PR_SET_DUMPABLE, 0);
  ::setsid();  // signals that a terminal sends to the pilot's group are the pilot's to judge
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd <= 2 && null; ++fd) ::dup3(null.get(), fd, O_CLOEXEC);
  // What the pilot itself inherited by mistake; pipes among it would never see their end.
  if (::dup3(control.get(), kControlFd, O_CLOEXEC) >= 0) control.release();
  if (!close_from(kControlFd + 1, CloseWhen::now)) ::_exit(1);
  hide_arguments();
  Children children;
  const Result<void> ended = launcher_loop(BorrowedFd(kControlFd), {pilot, ::getpid()}, children);
  if (!ended) ::_exit(1);
  end_sandboxes(std::move(children));
  ::_exit(0);
}

Result<UniqueFd> in_memory(const std::string& bytes) {
  UniqueFd file(::memfd_create("plan", MFD_CLOEXEC));
  if (!file) return sys_error("memfd_create");
  TRY(write_all(file, bytes));
  return file;
}

}  // namespace

Sandbox& Sandbox::operator=(Sandbox&& other) noexcept {
  std::swap(pidfd_, other.pidfd_);
  std::swap(reports_, other.reports_);
  return *this;
}

Sandbox::~Sandbox() {
  if (pidfd_) [[maybe_unused]]
    const auto killed = kill_now();
}

Result<void> Sandbox::signal(int signal) const {
  // These two would be pid 1's own; the next are its orders.
  if (signal == SIGKILL) return kill();
  if (signal == SIGSTOP) return suspend();
  if (signal < 1 || signal > SIGRTMAX || (signal >= order_suspend() && signal <= order_kill()))
    return Error{Fault::invalid, fmt::format("signal {} cannot be passed on", signal)};
  return send(signal);
}
Result<void> Sandbox::send(int signal) const {
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0)
    return sys_error("signal to the sandbox");
  return {};
}
Result<void> Sandbox::suspend() const {
  return send(order_suspend());
}
Result<void> Sandbox::resume() const {
  return send(order_resume());
}
Result<void> Sandbox::kill() const {
  return send(order_kill());
}
Result<void> Sandbox::kill_now() const {
  return send(SIGKILL);
}

Result<Launcher> Launcher::start() {
  auto [ours, theirs] = TRY(socket_pair());
  const pid_t pilot = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return sys_error("fork of the launcher");
  if (pid == 0) {
    ours.reset();
    run_launcher(std::move(theirs), pilot);
  }
  UniqueFd pidfd = TRY(open_pidfd(pid));
  return Launcher(ChildProcess(pid, std::move(pidfd)), std::move(ours));
}

void Launcher::retire() const {
  // It may have ended on its own.
  [[maybe_unused]] const auto killed = child_.kill(SIGKILL);
}

Result<Sandbox> Launcher::launch(const Plan& plan, const Stdio& stdio, BorrowedFd cgroup,
                                 const std::vector<BorrowedFd>& kept) {
  const UniqueFd file = TRY(in_memory(serialise(plan)));
  std::vector<BorrowedFd> descriptors = {file, stdio.in, stdio.out, stdio.error};
  if (cgroup) descriptors.push_back(cgroup);
  descriptors.insert(descriptors.end(), kept.begin(), kept.end());
  TRY(send_message(control_, cgroup ? kLaunchInGroup : kLaunch, descriptors).within("launcher"));
  std::optional<Message> reply = TRY(receive_message(control_, sizeof(Refusal), Wait::yes));
  if (!reply || reply->bytes.empty()) return Error{Fault::internal, "the launcher is gone"};
  if (reply->descriptors.size() == kReplyDescriptors)
    return Sandbox(std::move(reply->descriptors[0]), std::move(reply->descriptors[1]));
  Refusal refusal;
  if (reply->bytes.size() != sizeof refusal)
    return Error{Fault::internal, "a launcher's odd reply"};
  std::memcpy(&refusal, reply->bytes.data(), sizeof refusal);
  refusal.text[sizeof refusal.text - 1] = 0;
  return Error{refusal.fault, refusal.text};
}

}  // namespace podpilot::sandbox
