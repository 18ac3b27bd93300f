// SPDX-License-Identifier: Apache-2.0
#include "test/support/unprivileged.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>

#include "sandbox/base/fd.h"
#include "test/catch.h"

namespace podpilot::test {
namespace {

constexpr uid_t kUser = 1000;
constexpr int kVictimsFd = 3;

std::string current_test() {
  std::string name = Catch::getResultCapture().getCurrentTestName();
  std::string escaped;
  for (const char c : name) {
    if (c == ',' || c == '[' || c == '*' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

[[noreturn]] void run_test(const std::string& test) {
  ::execl("/proc/self/exe", "inner", test.c_str(), nullptr);
  ::_exit(98);
}

void drop_to_user(int victims) {
  // Reached by descriptor: the checkout may be below a folder that only root enters.
  if (victims >= 0 && ::dup2(victims, kVictimsFd) == kVictimsFd) {
    ::fcntl(kVictimsFd, F_SETFD, 0);
    ::setenv("PODPILOT_VICTIMS", "/proc/self/fd/3", 1);
  }
  for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap) >= 0; ++cap) ::prctl(PR_CAPBSET_DROP, cap);
  // The change of uid empties the permitted and effective sets.
  const bool dropped = ::setgroups(0, nullptr) == 0 && ::setresgid(kUser, kUser, kUser) == 0 &&
                       ::setresuid(kUser, kUser, kUser) == 0 &&
                       ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  if (!dropped) ::_exit(99);
}

void must(bool good, int code) {
  if (!good) ::_exit(code);
}

void write_map(const char* path, const std::string& line) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  must(::write(fd.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()), 97);
}

// Reaps whatever it inherits until then.
[[noreturn]] void end_with(pid_t child) {
  int status = 0;
  while (::waitpid(-1, &status, 0) != child) {
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 95);
}

// As a runtime makes a pod; the uid is mapped to itself, so the capabilities end with the execve.
void enter_masked_proc() {
  const std::string id = std::to_string(::geteuid());
  const pid_t pod = fork_into(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID);
  must(pod >= 0, 96);
  if (pod > 0) end_with(pod);
  write_map("/proc/self/uid_map", id + " " + id + " 1\n");
  write_map("/proc/self/setgroups", "deny");
  write_map("/proc/self/gid_map", id + " " + id + " 1\n");
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, 93);
  must(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0, 92);
  must(::mount("/dev/null", "/proc/timer_list", nullptr, MS_BIND, nullptr) == 0, 91);
  must(::mount("tmpfs", "/proc/irq", "tmpfs", MS_RDONLY, nullptr) == 0, 90);
  // Places that cannot hold a workspace: one that is full, one on an overlay.
  must(::mount("tmpfs", "/mnt", "tmpfs", 0, "nr_inodes=1") == 0, 87);
  must(::mount("tmpfs", "/media", "tmpfs", 0, nullptr) == 0, 86);
  for (const char* folder : {"/media/l", "/media/u", "/media/w", "/media/overlay"})
    must(::mkdir(folder, 0755) == 0, 85);
  must(::mount("overlay", "/media/overlay", "overlay", 0,
               "userxattr,lowerdir=/media/l,upperdir=/media/u,workdir=/media/w") == 0,
       84);
  // Not pid 1 itself: the pilot of a real pod may be any process.
  const pid_t pilot = ::fork();
  must(pilot >= 0, 94);
  if (pilot > 0) end_with(pilot);
}

template <typename Prepare>
void rerun(Prepare&& prepare) {
  const std::string test = current_test();
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    prepare();
    run_test(test);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  INFO("in another process: its output is above");
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace

pid_t fork_into(int namespaces) {
  return static_cast<pid_t>(
      ::syscall(SYS_clone, namespaces | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
}

bool refuse_call(long number, int error) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{std::size(code), code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool rerun_unprivileged() {
  if (::geteuid() != 0) return false;
  const char* build = std::getenv("PODPILOT_BUILD");
  const UniqueFd victims(::open(((build ? std::string(build) : ".") + "/test/victims").c_str(),
                                O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  rerun([&] { drop_to_user(victims.get()); });
  return true;
}

bool rerun_in(Pod pod) {
  if (rerun_unprivileged()) return true;
  constexpr const char* kInside = "PODPILOT_TEST_INSIDE";
  if (std::getenv(kInside)) return false;
  rerun([&] {
    ::setenv(kInside, "1", 1);
    if (pod == Pod::masked_proc) enter_masked_proc();
    if (pod == Pod::no_pivot_root) must(refuse_call(SYS_pivot_root, EPERM), 89);
  });
  return true;
}

}  // namespace podpilot::test
