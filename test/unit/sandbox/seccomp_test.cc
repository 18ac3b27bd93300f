// SPDX-License-Identifier: Apache-2.0
// The compiled filter, evaluated as the kernel does: a small interpreter of classic BPF.
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>

#include <cstddef>
#include <cstring>
#include <iterator>
#include <span>
#include <stdexcept>

#include "test/catch.h"

namespace {

#include "sandbox/seccomp/filter.inc"

std::uint32_t run(std::span<const sock_filter> program, const seccomp_data& data) {
  std::uint32_t a = 0;
  for (std::size_t pc = 0; pc < program.size(); ++pc) {
    const sock_filter& op = program[pc];
    switch (op.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (op.k > sizeof data - 4) throw std::runtime_error("load out of bounds");
        std::memcpy(&a, reinterpret_cast<const char*>(&data) + op.k, sizeof a);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= op.k;
        break;
      case BPF_JMP | BPF_JA:
        pc += op.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        pc += a == op.k ? op.jt : op.jf;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        pc += a > op.k ? op.jt : op.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        pc += a >= op.k ? op.jt : op.jf;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        pc += (a & op.k) != 0 ? op.jt : op.jf;
        break;
      case BPF_RET | BPF_K:
        return op.k;
      default:
        throw std::runtime_error("unknown instruction " + std::to_string(op.code));
    }
  }
  throw std::runtime_error("the program has no end");
}

// 0 where the call is let through, else the errno. The lower action wins; of equal ones that of
// the filter loaded last (seccomp(2)).
int verdict(long number, std::initializer_list<std::uint64_t> arguments = {},
            std::uint32_t arch = AUDIT_ARCH_X86_64) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = arch;
  std::size_t i = 0;
  for (const std::uint64_t argument : arguments) data.args[i++] = argument;
  const std::uint32_t last = run(kSyscalls, data);
  const std::uint32_t first = run(kArguments, data);
  const std::uint32_t action =
      (first & SECCOMP_RET_ACTION_FULL) < (last & SECCOMP_RET_ACTION_FULL) ? first : last;
  if (action == SECCOMP_RET_ALLOW) return 0;
  if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
    return static_cast<int>(action & SECCOMP_RET_DATA);
  throw std::runtime_error("an action that is neither");
}

constexpr std::uint64_t kHigh = 0xabcd00000000;

}  // namespace

#ifdef __x86_64__

TEST_CASE("what programs need is let through", "[sandbox][seccomp]") {
  for (const int call : {SYS_read,
                         SYS_openat,
                         SYS_execve,
                         SYS_execveat,
                         SYS_mmap,
                         SYS_futex,
                         SYS_clone,
                         SYS_fork,
                         SYS_vfork,
                         SYS_wait4,
                         SYS_kill,
                         SYS_ptrace,
                         SYS_process_vm_readv,
                         SYS_chroot,
                         SYS_mknod,
                         SYS_seccomp,
                         SYS_prctl,
                         SYS_memfd_create,
                         SYS_setuid,
                         SYS_capset,
                         SYS_statx,
                         SYS_rseq,
                         SYS_mq_open,
                         SYS_shmget,
                         SYS_inotify_init1,
                         SYS_pidfd_open,
                         439 /* faccessat2 */,
                         452 /* fchmodat2 */,
                         444 /* landlock_create_ruleset */}) {
    CAPTURE(call);
    CHECK(verdict(call) == 0);
  }
}

TEST_CASE("what a payload must not do is not permitted", "[sandbox][seccomp]") {
  for (const int call : {SYS_mount,
                         SYS_umount2,
                         SYS_pivot_root,
                         SYS_unshare,
                         SYS_setns,
                         SYS_keyctl,
                         SYS_add_key,
                         SYS_request_key,
                         SYS_bpf,
                         SYS_perf_event_open,
                         SYS_userfaultfd,
                         SYS_init_module,
                         SYS_finit_module,
                         SYS_delete_module,
                         SYS_kexec_load,
                         SYS_reboot,
                         SYS_swapon,
                         SYS_acct,
                         SYS_syslog,
                         SYS_iopl,
                         SYS_ioperm,
                         SYS_settimeofday,
                         SYS_sethostname,
                         SYS_quotactl,
                         SYS_open_by_handle_at,
                         SYS_kcmp,
                         SYS_move_pages,
                         SYS_fanotify_init,
                         425,
                         426,
                         427 /* io_uring */,
                         428,
                         429,
                         430,
                         431,
                         432,
                         433,
                         442 /* mount API */}) {
    CAPTURE(call);
    CHECK(verdict(call) == EPERM);
  }
}

TEST_CASE("clone makes processes and threads, with any namespace bit it is refused",
          "[sandbox][seccomp]") {
  CHECK(verdict(SYS_clone, {0x11}) == 0);
  CHECK(verdict(SYS_clone, {0x3d0f00}) == 0);        // a thread of glibc's
  CHECK(verdict(SYS_clone, {0x01200011}) == 0);      // fork of glibc's
  CHECK(verdict(SYS_clone, {0x4111 | kHigh}) == 0);  // the kernel takes the low half only
  for (const std::uint64_t bit : {CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                  CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET}) {
    CAPTURE(bit);
    CHECK(verdict(SYS_clone, {bit}) == EPERM);
    CHECK(verdict(SYS_clone, {bit | 0x11}) == EPERM);
    CHECK(verdict(SYS_clone, {bit | 0x3d0f00 | kHigh}) == EPERM);
    CHECK(verdict(SYS_clone, {~std::uint64_t{0}}) == EPERM);
  }
}

TEST_CASE("clone3 and what nobody knows answer ENOSYS", "[sandbox][seccomp]") {
  CHECK(verdict(SYS_clone3) == ENOSYS);
  CHECK(verdict(9999) == ENOSYS);
  CHECK(verdict(-1) == ENOSYS);
  CHECK(verdict(0x3fffffff) == ENOSYS);
  CHECK(verdict(SYS_uselib) == ENOSYS);
}

TEST_CASE("calls of other architectures answer ENOSYS whatever their number",
          "[sandbox][seccomp]") {
  int let_through = 0;
  for (int number = 0; number < 1000; ++number) {
    let_through += verdict(number, {}, AUDIT_ARCH_I386) != ENOSYS;
    let_through += verdict(number, {}, AUDIT_ARCH_AARCH64) != ENOSYS;
    let_through += verdict(0x40000000 | number) != ENOSYS;
  }
  CHECK(let_through == 0);
}

TEST_CASE("typing into terminals is refused whatever the high half of the request",
          "[sandbox][seccomp]") {
  for (const std::uint64_t request : {0x5412u, 0x541Cu}) {
    CHECK(verdict(SYS_ioctl, {0, request}) == EPERM);
    CHECK(verdict(SYS_ioctl, {0, request | kHigh}) == EPERM);
    CHECK(verdict(SYS_ioctl, {0, request | 0xffffffff00000000}) == EPERM);
    CHECK(verdict(SYS_ioctl, {request, 0}) == 0);
  }
  CHECK(verdict(SYS_ioctl, {0, 0x5413}) == 0);  // TIOCGWINSZ
  CHECK(verdict(SYS_ioctl, {0, 0x5401}) == 0);  // TCGETS
}

TEST_CASE("personality may ask and be Linux, no more", "[sandbox][seccomp]") {
  for (const std::uint64_t persona : {0u, 8u, 0x20000u, 0x20008u, 0xffffffffu})
    CHECK(verdict(SYS_personality, {persona}) == 0);
  CHECK(verdict(SYS_personality, {0x0040000}) == ENOSYS);
  CHECK(verdict(SYS_personality, {0x0400000}) == ENOSYS);  // READ_IMPLIES_EXEC
}

TEST_CASE("pid 1 keeps its limits and its place on the processors", "[sandbox][seccomp]") {
  for (const int call : {SYS_prlimit64, SYS_sched_setaffinity, SYS_sched_setattr,
                         SYS_sched_setparam, SYS_sched_setscheduler}) {
    CAPTURE(call);
    CHECK(verdict(call, {1}) == EPERM);
    CHECK(verdict(call, {1 | kHigh}) == EPERM);
    CHECK(verdict(call, {0}) == 0);
    CHECK(verdict(call, {2}) == 0);
    CHECK(verdict(call, {11}) == 0);
  }
}

TEST_CASE("sockets of the hypervisor are refused, others not", "[sandbox][seccomp]") {
  CHECK(verdict(SYS_socket, {40}) == EPERM);
  CHECK(verdict(SYS_socket, {40 | kHigh}) == EPERM);
  for (const std::uint64_t family : {1u, 2u, 10u, 16u}) CHECK(verdict(SYS_socket, {family}) == 0);
}

#endif
