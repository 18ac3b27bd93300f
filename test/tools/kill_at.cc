// SPDX-License-Identifier: Apache-2.0
// Runs a program, and kills whichever of its processes makes the N-th call that changes files,
// counted over all of its processes and threads, before the kernel carries that call out. So what
// is on disk then is what the N-1 calls before it made. For tests only.
//
//   kill_at N RESULT PROGRAM [ARGUMENT...]
//
// RESULT gets one line: how many such calls were seen, and the name of the one that was not made;
// with N = 0 none is. Ends as the program does, with 128 + n where signal n killed it.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

const std::map<int, const char*> kCalls = {
    {SYS_openat2, "openat2"},     {SYS_write, "write"},
    {SYS_pwrite64, "pwrite64"},   {SYS_writev, "writev"},
    {SYS_pwritev, "pwritev"},     {SYS_ftruncate, "ftruncate"},
    {SYS_fallocate, "fallocate"}, {SYS_copy_file_range, "copy_file_range"},
    {SYS_mkdirat, "mkdirat"},     {SYS_mknodat, "mknodat"},
    {SYS_symlinkat, "symlinkat"}, {SYS_linkat, "linkat"},
    {SYS_unlinkat, "unlinkat"},   {SYS_renameat, "renameat"},
    {SYS_renameat2, "renameat2"}, {SYS_fchmod, "fchmod"},
    {SYS_fchmodat, "fchmodat"},   {SYS_fchownat, "fchownat"},
    {SYS_fchown, "fchown"},       {SYS_utimensat, "utimensat"},
    {SYS_setxattr, "setxattr"},   {SYS_lsetxattr, "lsetxattr"},
    {SYS_fsetxattr, "fsetxattr"}, {SYS_fsync, "fsync"},
    {SYS_fdatasync, "fdatasync"}, {SYS_syncfs, "syncfs"},
    {SYS_flock, "flock"},         {SYS_mount, "mount"},
    {SYS_openat, "openat"},
#ifdef SYS_open  // calls that only older architectures have
    {SYS_open, "open"},           {SYS_creat, "creat"},
    {SYS_mkdir, "mkdir"},         {SYS_rmdir, "rmdir"},
    {SYS_mknod, "mknod"},         {SYS_symlink, "symlink"},
    {SYS_link, "link"},           {SYS_unlink, "unlink"},
    {SYS_rename, "rename"},       {SYS_chmod, "chmod"},
#endif
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(125);
}

constexpr std::uint32_t argument(std::size_t n) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + n * sizeof(std::uint64_t));
}

// The kernel stops at the calls above; at openat and open only where they may make or cut a file.
std::vector<sock_filter> filter() {
  std::vector<sock_filter> code{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const auto& [number, name] : kCalls) {
    const auto nr = static_cast<std::uint32_t>(number);
    const bool opens = number == SYS_openat
#ifdef SYS_open
                       || number == SYS_open
#endif
        ;
    if (!opens) {
      code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
      code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
    } else {
      code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4));
      code.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument(number == SYS_openat ? 2 : 1)));
      code.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, 0, 1));
      code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
      code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    }
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  return code;
}

[[noreturn]] void become(char** argv) {
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) die("PTRACE_TRACEME");
  ::raise(SIGSTOP);
  std::vector<sock_filter> code = filter();
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("PR_SET_NO_NEW_PRIVS");
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) die("PR_SET_SECCOMP");
  ::execvp(argv[0], argv);
  die(argv[0]);
}

// The process that a thread belongs to.
pid_t process_of(pid_t thread) {
  std::ifstream status(fmt::format("/proc/{}/status", thread));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Tgid:")) return std::atoi(line.c_str() + 5);
  return thread;
}

const char* call_at(pid_t thread) {
  std::array<char, sizeof(__ptrace_syscall_info)> bytes{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, thread, bytes.size(), bytes.data()) < 0) return "?";
  const auto* info = reinterpret_cast<const __ptrace_syscall_info*>(bytes.data());
  const auto found = kCalls.find(static_cast<int>(info->seccomp.nr));
  return found == kCalls.end() ? "?" : found->second;
}

class Tracer {
 public:
  Tracer(pid_t root, std::uint64_t victim) : root_(root), victim_(victim) {}

  // Until no process is left.
  void run() {
    for (int status = 0;;) {
      const pid_t thread = ::waitpid(-1, &status, __WALL);
      if (thread < 0 && errno == EINTR) continue;
      if (thread < 0) return;
      if (WIFSTOPPED(status))
        stopped(thread, status);
      else if (thread == root_)
        code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
  std::uint64_t calls() const { return calls_; }
  const std::string& killed_at() const { return killed_at_; }
  int code() const { return code_; }

 private:
  void stopped(pid_t thread, int status) {
    const int event = status >> 16;
    if (event == PTRACE_EVENT_SECCOMP && ++calls_ == victim_) {
      killed_at_ = call_at(thread);
      ::kill(process_of(thread), SIGKILL);
      return;
    }
    int signal = event == 0 ? WSTOPSIG(status) : 0;
    // Every new thread and process begins with one that is ptrace's own.
    if (signal == SIGSTOP && ++begun_[thread] == 1) signal = 0;
    ::ptrace(PTRACE_CONT, thread, nullptr, signal);
  }

  pid_t root_;
  std::uint64_t victim_;
  std::uint64_t calls_ = 0;
  std::string killed_at_ = "-";
  int code_ = 0;
  std::map<pid_t, int> begun_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: kill_at N RESULT PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  const pid_t child = ::fork();
  if (child < 0) die("fork");
  if (child == 0) become(argv + 3);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) die("the child did not stop");
  constexpr long kOptions = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                            PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (::ptrace(PTRACE_SETOPTIONS, child, nullptr, kOptions) != 0) die("PTRACE_SETOPTIONS");
  Tracer tracer(child, std::strtoull(argv[1], nullptr, 10));
  if (::ptrace(PTRACE_CONT, child, nullptr, 0) != 0) die("PTRACE_CONT");
  tracer.run();
  std::ofstream(argv[2]) << fmt::format("{} {}\n", tracer.calls(), tracer.killed_at());
  return tracer.code();
}
