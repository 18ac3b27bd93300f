// SPDX-License-Identifier: Apache-2.0
// What each filter of filter.h says to which system calls: data for compile.cc, read at build time
// only.
//
// --- payload
// -------------------------------------------------------------------------------------- The list
// follows the default profiles of container runtimes (moby profiles/seccomp, containerd
// contrib/seccomp) without what those give for capabilities that a payload never holds here.
// What is in neither list answers ENOSYS, so that libraries fall back as on an older kernel.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

namespace podpilot::sandbox::policy {

// clang-format off: a list in columns

// Names that this architecture or libseccomp does not know are skipped when compiling.
inline constexpr std::array kAllowed = std::to_array<std::string_view>({
    "_llseek", "_newselect", "accept", "accept4", "access", "alarm", "arch_prctl", "arm_fadvise64_64",
    "bind", "brk", "capget", "capset", "chdir", "chmod", "chown", "chown32", "chroot",
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "clone", "close", "close_range", "connect", "copy_file_range", "creat",
    "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old",
    "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "execve",
    "execveat", "exit", "exit_group", "faccessat", "faccessat2", "fadvise64", "fadvise64_64",
    "fallocate", "fanotify_mark", "fchdir", "fchmod", "fchmodat", "fchown", "fchown32", "fchownat",
    "fcntl", "fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock", "fork", "fremovexattr",
    "fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
    "ftruncate64", "futex", "futex_time64", "futex_waitv", "futimesat", "get_mempolicy",
    "get_robust_list", "get_thread_area", "getcpu", "getcwd", "getdents", "getdents64", "getegid",
    "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32",
    "getitimer", "getpeername", "getpgid", "getpgrp", "getpid", "getppid", "getpriority",
    "getrandom", "getresgid", "getresgid32", "getresuid", "getresuid32", "getrlimit", "getrusage",
    "getsid", "getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "getuid32",
    "getxattr", "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch",
    "io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit", "ioctl",
    "ioprio_get", "ioprio_set", "ipc", "kill", "landlock_add_rule", "landlock_create_ruleset",
    "landlock_restrict_self", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listen",
    "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "lstat64", "madvise",
    "mbind", "membarrier", "memfd_create", "memfd_secret", "mincore", "mkdir", "mkdirat", "mknod",
    "mknodat", "mlock", "mlock2", "mlockall", "mmap", "mmap2", "modify_ldt", "mprotect",
    "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedreceive_time64",
    "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "mremap", "msgctl", "msgget", "msgrcv",
    "msgsnd", "msync", "munlock", "munlockall", "munmap", "name_to_handle_at", "nanosleep",
    "newfstatat", "open", "openat", "openat2", "pause", "personality", "pidfd_getfd", "pidfd_open",
    "pidfd_send_signal", "pipe", "pipe2", "pkey_alloc", "pkey_free", "pkey_mprotect", "poll",
    "ppoll", "ppoll_time64", "prctl", "pread64", "preadv", "preadv2", "prlimit64", "process_madvise",
    "process_mrelease", "process_vm_readv", "process_vm_writev", "pselect6", "pselect6_time64",
    "ptrace", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat",
    "readv", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "remap_file_pages",
    "removexattr", "rename", "renameat", "renameat2", "restart_syscall", "riscv_flush_icache",
    "rmdir", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo",
    "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
    "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
    "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
    "sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr", "sched_setparam",
    "sched_setscheduler", "sched_yield", "seccomp", "select", "semctl", "semget", "semop",
    "semtimedop", "semtimedop_time64", "send", "sendfile", "sendfile64", "sendmmsg", "sendmsg",
    "sendto", "set_mempolicy", "set_mempolicy_home_node", "set_robust_list", "set_thread_area",
    "set_tid_address", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32",
    "setgroups", "setgroups32", "setitimer", "setpgid", "setpriority", "setregid", "setregid32",
    "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit",
    "setsid", "setsockopt", "setuid", "setuid32", "setxattr", "shmat", "shmctl", "shmdt", "shmget",
    "shutdown", "sigaltstack", "signalfd", "signalfd4", "sigprocmask", "sigreturn", "socket",
    "socketcall", "socketpair", "splice", "stat", "stat64", "statfs", "statfs64", "statx",
    "symlink", "symlinkat", "sync", "sync_file_range", "sync_file_range2", "syncfs", "sysinfo",
    "tee", "tgkill", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
    "timer_gettime64", "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime",
    "timerfd_gettime64", "timerfd_settime", "timerfd_settime64", "times", "tkill", "truncate",
    "truncate64", "ugetrlimit", "umask", "uname", "unlink", "unlinkat", "utime", "utimensat",
    "utimensat_time64", "utimes", "vfork", "vmsplice", "wait4", "waitid", "waitpid", "write",
    "writev",
});

// Newer than the libseccomp that Debian 12 has; since 424 all architectures share the numbers.
inline constexpr std::array kAllowedNumbers = std::to_array<int>({
    451,  // cachestat
    452,  // fchmodat2
    453,  // map_shadow_stack
    454,  // futex_wake
    455,  // futex_wait
    456,  // futex_requeue
    462,  // mseal
    463,  // setxattrat
    464,  // getxattrat
    465,  // listxattrat
    466,  // removexattrat
});

// Known calls that a payload must not make and whose users expect to be told "not permitted".
inline constexpr std::array kRefused = std::to_array<std::string_view>({
    "acct", "add_key", "adjtimex", "bpf", "clock_adjtime", "clock_settime", "delete_module",
    "fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "init_module",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp",
    "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "migrate_pages", "mount",
    "mount_setattr", "move_mount", "move_pages", "nfsservctl", "open_by_handle_at", "open_tree",
    "perf_event_open", "pivot_root", "quotactl", "quotactl_fd", "reboot", "request_key",
    "setdomainname", "sethostname", "setns", "settimeofday", "stime", "swapoff", "swapon", "syslog",
    "umount", "umount2", "unshare", "userfaultfd", "vhangup", "vm86", "vm86old",
});

// clone(2) may make threads and processes, no namespaces: each of these bits alone refuses it.
// CLONE_NEWTIME shares its bit with the exit signal and exists for clone3 and unshare only.
inline constexpr std::array kNamespaceBits = std::to_array<unsigned>({
    0x00020000,  // CLONE_NEWNS
    0x02000000,  // CLONE_NEWCGROUP
    0x04000000,  // CLONE_NEWUTS
    0x08000000,  // CLONE_NEWIPC
    0x10000000,  // CLONE_NEWUSER
    0x20000000,  // CLONE_NEWPID
    0x40000000,  // CLONE_NEWNET
});

// What limits and schedules a process or thread, and the argument that is its number; 0 is the
// caller. Not pid 1, which has the payload's own kernel uid: with RLIMIT_CPU or RLIMIT_AS the
// payload could end it, and its failure would look like one of the pilot's. Where payload and pilot
// share uid and pid namespace no other number either (no_numbers), unless a supervisor looks whose
// it is (supervised; process_call.cc).
struct PidArgument {
  std::string_view call;
  unsigned argument;
};
inline constexpr std::array kByNumber = std::to_array<PidArgument>({
    {"ioprio_set", 1},
    {"prlimit64", 0},
    {"sched_setaffinity", 0},
    {"sched_setattr", 0},
    {"sched_setparam", 0},
    {"sched_setscheduler", 0},
    {"setpriority", 1},
});

// Of all processes of a uid at once, which pid 1 has, too. The kind of target comes first in these.
struct Kind {
  std::string_view call;
  unsigned value;
};
inline constexpr std::array kNotOfUsers = std::to_array<Kind>({
    {"setpriority", 2 /* PRIO_USER */},
    {"ioprio_set", 3 /* IOPRIO_WHO_USER */},
});

// Typing into the terminal that podpilot was started from. The kernel looks at the low 32 bits of
// the request only, so must the filter (CVE-2019-10063, CVE-2019-7303).
inline constexpr std::array kRefusedIoctls = std::to_array<unsigned>({
    0x5412,  // TIOCSTI
    0x541C,  // TIOCLINUX
});

// personality(2): Linux, its 32-bit variant and UNAME26, and the query. ADDR_NO_RANDOMIZE is the
// debugger's own business (gdb works without).
inline constexpr std::array kPersonalities = std::to_array<unsigned>({
    0x0, 0x0008, 0x20000, 0x20008, 0xffffffff,
});

// Reaches the hypervisor, not the network that the pod was given.
inline constexpr unsigned kVsockFamily = 40;

// --- guard, no_numbers, no_trace and no_network -----------------------------------------------------

// The call is let through where the argument, of which the kernel takes the low half, is `value`,
// and is refused with `error` otherwise. Rows of one call must all hold.
struct Only {
  std::string_view call;
  unsigned argument;
  std::uint32_t value;
  int error;
};

// Calls that reach other processes, of a group or by number, beside kByNumber. The kernel lets them
// pass between processes of one uid, which payload and pilot are; Landlock does not mediate them.
inline constexpr std::array kOnlyOnItself = std::to_array<Only>({
    {"setpriority", 0, 0 /* PRIO_PROCESS */, EPERM},
    {"ioprio_set", 0, 1 /* IOPRIO_WHO_PROCESS */, EPERM},
    {"get_robust_list", 0, 0, EPERM},
    {"move_pages", 0, 0, EPERM},
    {"migrate_pages", 0, 0, EPERM},
});

// Into other processes, and keyrings, which belong to the uid. Those that the payload filter refuses
// too stand here so that this list is whole.
inline constexpr std::array kIntoOthers = std::to_array<std::string_view>({
    "add_key", "kcmp", "keyctl", "perf_event_open", "process_mrelease", "request_key",
    "userfaultfd",
});

// Into the memory and descriptors of other processes. For each of them the kernel asks
// ptrace_may_access(), and Landlock, from its first ABI on, lets that pass to processes of the
// caller's domain and of those nested in it (security/landlock/task.c, ptrace.c before 6.12). The
// payload is the first process of its domain; pilot, launcher, supervisor and pulls are in none or
// in one around it, and not dumpable besides.
inline constexpr std::array kTracing = std::to_array<std::string_view>({
    "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
});

// AF_UNIX is 1.
inline constexpr std::array kOnlyUnixSockets = std::to_array<Only>({
    {"socket", 0, 1, EACCES},
    {"socketpair", 0, 1, EACCES},
});

// --- metadata and supervised ------------------------------------------------------------------------

// Carried out by the supervisor (metadata_call.cc has what their arguments mean).
inline constexpr std::array kCarriedOut = std::to_array<std::string_view>({
    "chmod", "chown", "fchmod", "fchmodat", "fchown", "fchownat", "fremovexattr", "fsetxattr",
    "futimesat", "lchown", "lremovexattr", "lsetxattr", "removexattr", "setxattr", "utime",
    "utimensat", "utimes",
});

// Newer ways to do the same: libraries fall back where they are not there.
inline constexpr std::array kNotThere = std::to_array<int>({
    452,  // fchmodat2
    463,  // setxattrat
    466,  // removexattrat
});

// The owner's switches of a file, for which a descriptor to read is enough (linux/fs.h).
inline constexpr std::array kRefusedSwitches = std::to_array<unsigned>({
    0x40086602,  // FS_IOC_SETFLAGS
    0x40046602,  // FS_IOC32_SETFLAGS
    0x40087602,  // FS_IOC_SETVERSION
    0x40047602,  // FS_IOC32_SETVERSION
    0x40086604,  // EXT4_IOC_SETVERSION
    0x401c5820,  // FS_IOC_FSSETXATTR
    0x40806685,  // FS_IOC_ENABLE_VERITY
});

// --- fake_root --------------------------------------------------------------------------------------

// Answer 0 and do nothing. The list is that of Charliecloud's root emulation ("zero consistency",
// its bin/ch_core.c) less kexec_load, a test of its own.
inline constexpr std::array kFaked = std::to_array<std::string_view>({
    "capset", "chown", "chown32", "fchown", "fchown32", "fchownat", "lchown", "lchown32",
    "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups",
    "setgroups32", "setregid", "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32",
    "setreuid", "setreuid32", "setuid", "setuid32",
});

// Faked for the types of file that nobody can make in a user namespace; fifos, sockets and files
// are made for real. The mode is an argument of its own in each.
struct ModeArgument {
  std::string_view call;
  unsigned argument;
};
inline constexpr std::array kFakedNodes = std::to_array<ModeArgument>({
    {"mknod", 1},
    {"mknodat", 2},
});
inline constexpr std::uint32_t kTypeMask = 0170000;  // S_IFMT
inline constexpr std::array kFakedTypes = std::to_array<std::uint32_t>({
    0020000,  // S_IFCHR
    0060000,  // S_IFBLK
});

}  // namespace podpilot::sandbox::policy
