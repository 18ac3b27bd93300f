// SPDX-License-Identifier: Apache-2.0
#include "sandbox/payload.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <memory>

#include "sandbox/base/close_from.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/socket.h"
#include "sandbox/base/text.h"
#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"
#include "sandbox/limits.h"
#include "sandbox/seccomp/filter.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kMaxText = 4000;  // of a report: a pipe takes it while nobody reads

// pid 1 lends its memory and waits until the payload has executed: no page table is copied and no
// page after it, which is a quarter of a warm start. The thread sanitizer cannot follow that.
#ifdef __SANITIZE_THREAD__
constexpr int kLend = 0;
#else
constexpr int kLend = CLONE_VM | CLONE_VFORK;
#endif
constexpr std::size_t kStackSize = 256 << 10;

// What execvp(3) of container runtimes searches where the image sets no PATH.
constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (const std::string& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> candidates(const Plan& plan) {
  const std::string& program = plan.argv[0];
  if (program.find('/') != std::string::npos) return {program};
  std::string_view path = kDefaultPath;
  for (const std::string& variable : plan.env)
    if (variable.starts_with("PATH=")) path = std::string_view(variable).substr(5);
  std::vector<std::string> out;
  for (const std::string_view folder : split(path, ':'))
    out.push_back(fmt::format("{}/{}", folder.empty() ? "." : folder, program));
  return out;
}

// Returns only where nothing could be executed.
Error execute(const Plan& plan) {
  const std::vector<char*> argv = pointers(plan.argv);
  const std::vector<char*> env = pointers(plan.env);
  int err = ENOENT;
  for (const std::string& program : candidates(plan)) {
    ::execve(program.c_str(), argv.data(), env.data());
    // As execvp(3): a match that may not be executed is remembered, the search goes on.
    if (errno != ENOENT && errno != ENOTDIR) err = errno;
  }
  constexpr std::size_t kShown = 200;
  const std::string shown = printable(std::string_view(plan.argv[0]).substr(0, kShown));
  if (err == ENOENT)
    return {Fault::not_found, fmt::format("\"{}\": no such program in the image", shown)};
  if (err == ENOEXEC)
    return {Fault::denied, fmt::format("\"{}\": not a program for this machine, nor a script "
                                       "that starts with #!",
                                       shown)};
  Error error = sys_error(fmt::format("\"{}\"", shown), err);
  // The pod's fault where it is out of processes, memory or luck; all else is the program's.
  const bool site = err == EAGAIN || err == ENOMEM || err == EIO || err == ENFILE || err == EMFILE;
  if (!site) error.fault = Fault::denied;
  return error;
}

Result<void> attach_terminal(BorrowedFd slave) {
  if (!slave) return {};
  if (::ioctl(slave.get(), TIOCSCTTY, 0) != 0) return sys_error("TIOCSCTTY");
  for (int fd = 0; fd <= 2; ++fd)
    if (::dup2(slave.get(), fd) < 0) return sys_error("dup terminal");
  return {};
}

void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// By raw calls: libc's would change the threads of whoever lends this process its memory as well.
Result<void> take_ids(const Identity& user) {
  if (::syscall(SYS_setgroups, 0, nullptr) != 0) return sys_error("setgroups");
  if (::syscall(SYS_setresgid, user.gid, user.gid, user.gid) != 0) return sys_error("setresgid");
  if (::syscall(SYS_setresuid, user.uid, user.uid, user.uid) != 0) return sys_error("setresuid");
  return {};
}

Result<void> give_everything_up(const Plan& plan, BorrowedFd slave, BorrowedFd messages) {
  if (::setsid() < 0) return sys_error("setsid");
  TRY(attach_terminal(slave));
  if (plan.ids == Ids::set) TRY(take_ids(plan.user));
  if (::chdir(plan.workdir.c_str()) != 0) return sys_error("working folder " + plan.workdir);
  TRY(apply_limits(plan.limits));
  TRY(keep_capabilities(plan.capabilities));
  if (plan.reach.empty())
    TRY(restrict_payload());
  else
    TRY(restrict_to(plan.reach).within("Landlock"));
  for (int fd = 0; fd <= 2; ++fd)  // they were kept O_CLOEXEC until here
    if (::fcntl(fd, F_SETFD, 0) != 0) return sys_error("F_SETFD");
  if (!close_from(3, CloseWhen::on_exec)) return sys_error("close descriptors");
  reset_signals();
  const UniqueFd listener = TRY(load_filters(plan.filters));
  if (listener) TRY(send_message(messages, "listener", {listener}));
  return {};
}

struct Child {
  const Plan& plan;
  BorrowedFd terminal_slave;
  BorrowedFd report;
  BorrowedFd messages;
};

int become_payload(void* argument) {
  const Child& child = *static_cast<const Child*>(argument);
  const Result<void> ready = give_everything_up(child.plan, child.terminal_slave, child.messages);
  Error error = ready ? execute(child.plan) : ready.error();
  // A pod that refuses one of these steps says nothing about the program.
  if (!ready && (error.fault == Fault::not_found || error.fault == Fault::denied))
    error.fault = Fault::unsupported;
  const std::string line =
      fmt::format("{}{}", static_cast<char>(error.fault), error.text.substr(0, kMaxText - 1));
  [[maybe_unused]] const auto written = write_all(child.report, line);
  ::_exit(127);
}

}  // namespace

Result<PayloadTerminal> open_payload_terminal() {
  PayloadTerminal terminal;
  terminal.master.reset(::open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.master) return sys_error("open /dev/pts/ptmx");
  int unlocked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) != 0) return sys_error("TIOCSPTLCK");
  // By descriptor: a path below /dev/pts could be another instance (ioctl_tty(2)).
  terminal.slave.reset(::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave) return sys_error("TIOCGPTPEER");
  return terminal;
}

Result<Payload> fork_payload(const Plan& plan, BorrowedFd terminal_slave) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return sys_error("pipe");
  auto [ours, theirs] = TRY(socket_pair());
  Payload payload{.pid = 0, .exec_result = UniqueFd(ends[0]), .messages = std::move(ours)};
  const UniqueFd report(ends[1]);
  Child child{plan, terminal_slave, report, theirs};
  const auto stack = std::make_unique_for_overwrite<char[]>(kStackSize);
  payload.pid = ::clone(&become_payload, stack.get() + kStackSize, kLend | SIGCHLD, &child);
  if (payload.pid < 0) return sys_error("clone of the payload");
  return payload;
}

Result<UniqueFd> wait_for_exec(Payload& payload) {
  const std::string line = TRY(read_all(payload.exec_result, kMaxText));
  payload.exec_result.reset();
  if (!line.empty()) return Error{static_cast<Fault>(line[0]), line.substr(1)};
  constexpr std::size_t kMaxMessage = 64;
  std::optional<Message> message = TRY(receive_message(payload.messages, kMaxMessage, Wait::no));
  payload.messages.reset();
  if (!message || message->descriptors.empty()) return UniqueFd();
  return std::move(message->descriptors.front());
}

}  // namespace podpilot::sandbox
