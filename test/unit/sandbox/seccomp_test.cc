// SPDX-License-Identifier: Apache-2.0
// The compiled filters, evaluated as the kernel does: a small interpreter of classic BPF.
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>

#include "sandbox/metadata_call.h"
#include "sandbox/process_call.h"
#include "test/catch.h"

using namespace podpilot::sandbox;

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

using Program = std::span<const sock_filter>;
const std::vector<Program> kPayload = {kArguments, kSyscalls};
const std::vector<Program> kGuarded = {kArguments, kSyscalls, kGuard, kNoNumbers};
const std::vector<Program> kWatched = {kArguments, kSyscalls, kGuard, kSupervised};
const std::vector<Program> kUntraced = {kArguments, kSyscalls, kGuard, kNoTrace};
const std::vector<Program> kShutIn = {kArguments, kSyscalls, kNoNetwork};
const std::vector<Program> kFaking = {kArguments, kSyscalls,  kGuard,
                                      kNoTrace,   kNoNetwork, kFakeRoot};

constexpr int kLetThrough = -1;
constexpr int kWaits = -2;  // for the supervisor

// The errno that is answered. The lower action wins; of equal ones that of the filter loaded last
// (seccomp(2)).
seccomp_data data_of(long number, std::initializer_list<std::uint64_t> arguments,
                     std::uint32_t arch = AUDIT_ARCH_X86_64) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = arch;
  std::ranges::copy(arguments, data.args);
  return data;
}

int answer(const std::vector<Program>& stack, long number,
           std::initializer_list<std::uint64_t> arguments = {},
           std::uint32_t arch = AUDIT_ARCH_X86_64) {
  const seccomp_data data = data_of(number, arguments, arch);
  std::uint32_t action = SECCOMP_RET_ALLOW;
  for (const Program& program : stack) {
    const std::uint32_t said = run(program, data);
    if ((said & SECCOMP_RET_ACTION_FULL) <= (action & SECCOMP_RET_ACTION_FULL)) action = said;
  }
  if (action == SECCOMP_RET_ALLOW) return kLetThrough;
  if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
    return static_cast<int>(action & SECCOMP_RET_DATA);
  if (action == SECCOMP_RET_USER_NOTIF) return kWaits;
  throw std::runtime_error("an action that is none of these");
}

// Of the payload's filter alone: 0 where the call is let through, else the errno.
int verdict(long number, std::initializer_list<std::uint64_t> arguments = {},
            std::uint32_t arch = AUDIT_ARCH_X86_64) {
  return std::max(answer(kPayload, number, arguments, arch), 0);
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

TEST_CASE("a payload sets no priority of pid 1, by its number or by its user",
          "[sandbox][seccomp]") {
  // which, who: PRIO_USER is 2, IOPRIO_WHO_USER 3.
  for (const auto& [call, user] : {std::pair{SYS_setpriority, 2U}, {SYS_ioprio_set, 3U}})
    for (const std::uint64_t which : {0U, 1U, 2U, 3U})
      for (const std::uint64_t who : {0U, 1U, 2U, 1000U, 0xffffffffU}) {
        CAPTURE(call, which, who);
        const int want = which == user || who == 1 ? EPERM : 0;
        CHECK(verdict(call, {which, who}) == want);
        CHECK(verdict(call, {which | kHigh, who | kHigh}) == want);
      }
}

TEST_CASE("sockets of the hypervisor are refused, others not", "[sandbox][seccomp]") {
  CHECK(verdict(SYS_socket, {40}) == EPERM);
  CHECK(verdict(SYS_socket, {40 | kHigh}) == EPERM);
  for (const std::uint64_t family : {1u, 2u, 10u, 16u}) CHECK(verdict(SYS_socket, {family}) == 0);
}

TEST_CASE("a payload limits and schedules itself; others by number never, or by a supervisor",
          "[sandbox][seccomp]") {
  const std::vector<std::pair<std::vector<Program>, int>> stacks = {{kGuarded, EPERM},
                                                                    {kWatched, kWaits}};
  for (const auto& [stack, others] : stacks) {
    for (const int call : {SYS_prlimit64, SYS_sched_setaffinity, SYS_sched_setattr,
                           SYS_sched_setparam, SYS_sched_setscheduler}) {
      CAPTURE(call);
      CHECK(answer(stack, call, {0}) == kLetThrough);
      CHECK(answer(stack, call, {kHigh}) == kLetThrough);  // the kernel takes the low half only
      for (unsigned bit = 1; bit < 32; ++bit) {
        CHECK(answer(stack, call, {std::uint64_t{1} << bit}) == others);
        CHECK(answer(stack, call, {kHigh | std::uint64_t{1} << bit}) == others);
      }
      CHECK(answer(stack, call, {1}) == EPERM);
      CHECK(read_process_call(data_of(call, {kHigh | 12345})).value().target == 12345);
    }
    // which, who: PRIO_PROCESS is 0, IOPRIO_WHO_PROCESS 1.
    for (const auto& [call, self] : {std::pair{SYS_setpriority, 0U}, {SYS_ioprio_set, 1U}})
      for (const std::uint64_t which : {0U, 1U, 2U, 3U, 0x80000000U})
        for (const std::uint64_t who : {0U, 1U, 1000U, 0xffffffffU}) {
          CAPTURE(call, which, who);
          const int want = which != self || who == 1 ? EPERM : who == 0 ? kLetThrough : others;
          CHECK(answer(stack, call, {which, who}) == want);
          CHECK(answer(stack, call, {which | kHigh, who | kHigh}) == want);
          CHECK(read_process_call(data_of(call, {which, who})).value().target ==
                static_cast<pid_t>(who));
        }
    CHECK(answer(stack, SYS_get_robust_list, {4711}) == EPERM);
    CHECK(answer(stack, SYS_sched_getaffinity, {4711}) == kLetThrough);
  }
  CHECK(answer(kPayload, SYS_sched_setaffinity, {12345}) == kLetThrough);
}

TEST_CASE("what waits for the supervisor is what it can read", "[sandbox][seccomp]") {
  int waiting = 0;
  for (int number = 0; number < 500; ++number) {
    if (answer(kWatched, number, {2, 2, 2, 2}) != kWaits) continue;
    CAPTURE(number);
    ++waiting;
    CHECK(read_process_call(data_of(number, {2})).has_value() !=
          read_call(data_of(number, {2})).has_value());
  }
  CHECK(waiting > 20);
  const auto affinity = read_process_call(data_of(SYS_sched_setaffinity, {7, kHigh | 8, kHigh}));
  CHECK(affinity == ProcessCall{.target = 7, .is_affinity = true, .size = 8, .address = kHigh});
}

TEST_CASE("behind the guard no call reaches into another process", "[sandbox][seccomp]") {
  for (const int call : {SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
                         438 /* pidfd_getfd */, 440 /* process_madvise */}) {
    CAPTURE(call);
    CHECK(answer(kGuarded, call) == kLetThrough);  // Landlock's matter
    CHECK(answer(kUntraced, call) == EPERM);
  }
  for (const int call : {SYS_kcmp, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key,
                         SYS_request_key, SYS_move_pages, SYS_migrate_pages}) {
    CAPTURE(call);
    CHECK(answer(kGuarded, call, {4711}) == EPERM);
    CHECK(answer({kGuard}, call, {4711}) == EPERM);
  }
}

TEST_CASE("without a network there are sockets between processes only", "[sandbox][seccomp]") {
  for (const int call : {SYS_socket, SYS_socketpair}) {
    CHECK(answer(kShutIn, call, {1}) == kLetThrough);
    CHECK(answer(kShutIn, call, {1 | kHigh}) == kLetThrough);
    for (const std::uint64_t family : {0U, 2U, 3U, 10U, 16U, 17U, 40U, 0x80000001U, 0xffffffffU}) {
      CAPTURE(call, family);
      CHECK(answer(kShutIn, call, {family}) == EACCES);
      CHECK(answer(kShutIn, call, {family | kHigh}) == EACCES);
    }
  }
  CHECK(answer(kShutIn, SYS_connect) == kLetThrough);
}

TEST_CASE("a fake root changes owners and users without doing anything", "[sandbox][seccomp]") {
  for (const int call : {SYS_chown, SYS_fchown, SYS_lchown, SYS_fchownat, SYS_setuid, SYS_setgid,
                         SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups,
                         SYS_setfsuid, SYS_setfsgid, SYS_capset}) {
    CAPTURE(call);
    CHECK(answer(kFaking, call, {0, 4711, 4711}) == 0);
    CHECK(answer(kPayload, call, {0, 4711, 4711}) == kLetThrough);
  }
  for (const auto& [call, argument] : {std::pair{SYS_mknod, 1}, {SYS_mknodat, 2}})
    for (const auto& [type, want] : {std::pair{0010000U, kLetThrough},  // fifo
                                     {0020000U, 0},
                                     {0060000U, 0},
                                     {0100000U, kLetThrough},
                                     {0140000U, kLetThrough},  // socket
                                     {0000000U, kLetThrough}}) {
      CAPTURE(call, type);
      for (const std::uint64_t mode : {type, type | 0777, type | 07644}) {
        CHECK((argument == 1 ? answer(kFaking, call, {0, mode | kHigh, 0x103})
                             : answer(kFaking, call, {0, 0, mode | kHigh, 0x103})) == want);
      }
    }
}

TEST_CASE("a fake root is no way around any refusal", "[sandbox][seccomp]") {
  std::vector<Program> before = kFaking;
  before.pop_back();
  int faked = 0;
  for (int number = 0; number < 600; ++number) {
    CAPTURE(number);
    const int now = answer(kFaking, number);
    if (now == 0) {
      ++faked;
      CHECK(answer(before, number) == kLetThrough);
    } else {
      CHECK(now == answer(before, number));
    }
  }
  CHECK(faked == 14);
}

TEST_CASE("each filter by itself knows calls of other architectures", "[sandbox][seccomp]") {
  for (const Program& program : kFaking)
    for (const int number : {0, 16, 90, 105, 302}) {
      CHECK(answer({program}, number, {}, AUDIT_ARCH_I386) == ENOSYS);
      CHECK(answer({program}, 0x40000000 | number) == ENOSYS);
    }
}

#endif
