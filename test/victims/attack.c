// SPDX-License-Identifier: Apache-2.0
// Tries what a payload must not be able to do. Arguments name groups of attempts.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "test/victims/attack.h"

static void init(void) {
  char path[64], target[256], bytes[16];
  const char* readable[] = {"mem", "environ", "maps", "auxv", "stack", "syscall", "personality"};
  for (unsigned i = 0; i < sizeof readable / sizeof *readable; ++i) {
    snprintf(path, sizeof path, "/proc/1/%s", readable[i]);
    say(path, read_one(path));
  }
  const char* links[] = {"root", "cwd", "exe", "ns/mnt", "fd/0", "fd/3"};
  for (unsigned i = 0; i < sizeof links / sizeof *links; ++i) {
    snprintf(path, sizeof path, "/proc/1/%s", links[i]);
    say(path, readlink(path, target, sizeof target));
  }
  say("/proc/1/fd/", open_close("/proc/1/fd", O_RDONLY | O_DIRECTORY) < 0 ? -1 : 0);
  say("/proc/1/root/", open_close("/proc/1/root/etc", O_RDONLY));
  say("oom_score_adj", write_text("/proc/1/oom_score_adj", "0"));
  say("mem-write", open_close("/proc/1/mem", O_RDWR));
  say("ptrace-attach", ptrace(PTRACE_ATTACH, 1, 0, 0));
  say("ptrace-seize", ptrace(PTRACE_SEIZE, 1, 0, 0));
  struct iovec local = {bytes, sizeof bytes};
  struct iovec remote = {(void*)say, sizeof bytes};
  say("process_vm_readv", process_vm_readv(1, &local, 1, &remote, 1, 0));
  say("process_vm_writev", process_vm_writev(1, &local, 1, &remote, 1, 0));
  const int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
  say("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 3, 0));
  say("kcmp", syscall(SYS_kcmp, getpid(), 1, 0, 0, 0));
  struct rlimit limit = {1, 1};
  say("prlimit", prlimit(1, RLIMIT_CPU, &limit, NULL));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  say("sched_setaffinity", sched_setaffinity(1, sizeof cpus, &cpus));
  struct sched_param none = {0};
  say("sched_setscheduler", sched_setscheduler(1, SCHED_IDLE, &none));
}

// Every signal to pid 1; surviving is what is tested.
static void kill_init(void) {
  for (int signal_ = 1; signal_ < 65; ++signal_) {
    if (signal_ == 32 || signal_ == 33) continue;
    signal(signal_, SIG_IGN);  // pid 1 hands some of them back
  }
  int worked = 0;
  for (int signal_ = 1; signal_ < 65; ++signal_) worked += kill(1, signal_) == 0;
  for (int signal_ = 34; signal_ < 65; ++signal_) {
    union sigval value = {.sival_int = 1};
    worked += sigqueue(1, signal_, value) == 0;
  }
  const int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
  worked += syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, 0, 0) == 0;
  usleep(20000);
  printf("worked %d\nalive %s\n", worked, kill(1, 0) == 0 || errno == EPERM ? "yes" : "no");
}

static int nothing(void* unused) {
  (void)unused;
  return 0;
}

static void namespaces(void) {
  const struct {
    const char* name;
    int flag;
  } kinds[] = {{"user", CLONE_NEWUSER},    {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},
               {"net", CLONE_NEWNET},      {"ipc", CLONE_NEWIPC},  {"uts", CLONE_NEWUTS},
               {"cgroup", CLONE_NEWCGROUP}};
  static char stack[65536] __attribute__((aligned(16)));
  char name[64];
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    snprintf(name, sizeof name, "clone-%s", kinds[i].name);
    say(name, clone(nothing, stack + sizeof stack, kinds[i].flag | SIGCHLD, NULL));
    snprintf(name, sizeof name, "clone-user+%s", kinds[i].name);
    say(name, clone(nothing, stack + sizeof stack, CLONE_NEWUSER | kinds[i].flag | SIGCHLD, NULL));
    snprintf(name, sizeof name, "unshare-%s", kinds[i].name);
    say(name, unshare(kinds[i].flag));
  }
  uint64_t args[11] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
  say("clone3", syscall(SYS_clone3, args, 88));
  const int ns = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
  say("setns", setns(ns, 0));
  say("sethostname", sethostname("x", 1));
}

static void mounts(void) {
  mkdir("/m", 0755);
  say("mount-tmpfs", mount("t", "/m", "tmpfs", 0, NULL));
  say("mount-bind", mount("/dev", "/m", NULL, MS_BIND, NULL));
  say("remount", mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
  say("umount", umount2("/proc/sys", MNT_DETACH));
  say("umount-root", umount2("/", MNT_DETACH));
  say("pivot_root", syscall(SYS_pivot_root, ".", "."));
  say("open_tree", syscall(428, AT_FDCWD, "/", 1));
  say("move_mount", syscall(429, -1, "", -1, "", 4));
  say("fsopen", syscall(430, "tmpfs", 0));
  say("fsconfig", syscall(431, -1, 0, 0, 0, 0));
  say("fsmount", syscall(432, -1, 0, 0));
  say("fspick", syscall(433, AT_FDCWD, "/", 0));
  say("mount_setattr", syscall(442, AT_FDCWD, "/", 0, NULL, 0));
  say("swapon", syscall(SYS_swapon, "/m", 0));
  say("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
}

static void kernel(void) {
  char big[256] = {0};
  say("keyctl", syscall(SYS_keyctl, 0, -3, 0));
  say("keyctl-user", syscall(SYS_keyctl, 0 /* GET_KEYRING_ID */, -4, 1));
  say("keyctl-join", syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, NULL));
  say("keyctl-describe", syscall(SYS_keyctl, 6, -3, big, sizeof big));
  say("keyctl-link", syscall(SYS_keyctl, 8, -4, -3));
  say("keyctl-search", syscall(SYS_keyctl, 10, -3, "user", "x", 0));
  say("keyctl-read", syscall(SYS_keyctl, 11, -3, big, sizeof big));
  say("keyctl-persistent", syscall(SYS_keyctl, 22, -1, -3));
  say("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
  say("request_key", syscall(SYS_request_key, "user", "x", NULL, 0));
  say("bpf", syscall(SYS_bpf, 0, big, sizeof big));
  say("perf_event_open", syscall(SYS_perf_event_open, big, 0, -1, -1, 0));
  say("userfaultfd", syscall(SYS_userfaultfd, 0));
  say("io_uring_setup", syscall(425, 1, big));
  say("io_uring_enter", syscall(426, 0, 1, 0, 0, NULL, 0));
  say("io_uring_register", syscall(427, -1, 0, NULL, 0));
  say("init_module", syscall(SYS_init_module, big, 0, ""));
  say("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
  say("reboot", syscall(SYS_reboot, 0, 0, 0, 0));
  say("syslog", syscall(SYS_syslog, 3, big, sizeof big));
  say("iopl", syscall(SYS_iopl, 3));
  say("acct", syscall(SYS_acct, NULL));
  say("quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
  say("settimeofday", syscall(SYS_settimeofday, NULL, NULL));
  say("clone3", syscall(SYS_clone3, NULL, 0));
  say("unknown", syscall(9999));
  say("x32", syscall(0x40000000 | 39));
  say("x32-openat", syscall(0x40000000 | SYS_openat, AT_FDCWD, "/", O_PATH));
  say("x32-ptrace", syscall(0x40000000 | 521, PTRACE_TRACEME, 0, 0, 0));
  say("x32-setsockopt", syscall(0x40000000 | 541, -1, 0, 0, NULL, 0));
  say("personality", personality(ADDR_NO_RANDOMIZE));
  say("vsock", socket(40, SOCK_STREAM, 0));
  say("vsock-high", syscall(SYS_socket, 0xf00000028ULL, SOCK_STREAM, 0));
}

// By itself: where the kernel has no such entry this ends in SIGSEGV.
static void int80(void) {
#ifdef __x86_64__
  // i386's getpid, which is x86-64's writev; ptrace, mount, setpriority.
  const struct {
    const char* name;
    int number;
  } calls[] = {{"int80", 20}, {"int80-ptrace", 26}, {"int80-mount", 21}, {"int80-priority", 97}};
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; ++i) {
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(calls[i].number), "b"(0), "c"(0), "d"(0)
                     : "memory");
    say(calls[i].name, result < 0 ? failed((int)-result) : 0);
  }
#endif
}

static void terminals(void) {
  char c = '\n';
  const unsigned long requests[] = {0x5412, 0x541C};
  for (int i = 0; i < 2; ++i) {
    char name[32];
    snprintf(name, sizeof name, "ioctl-%lx", requests[i]);
    say(name, syscall(SYS_ioctl, 0, requests[i], &c));
    snprintf(name, sizeof name, "ioctl-high-%lx", requests[i]);
    say(name, syscall(SYS_ioctl, 0, requests[i] | 0xabcd00000000UL, &c));
  }
  say("/dev/tty", open_close("/dev/tty", O_RDWR));
  say("/dev/console", open_close("/dev/console", O_RDWR));
}

static void files(void) {
  say("mknod-null", mknod("/n", S_IFCHR | 0666, makedev(1, 3)));
  say("mknod-disk", mknod("/d", S_IFBLK | 0666, makedev(254, 0)));
  say("chmod-null", chmod("/dev/null", 0));
  say("chown-null", chown("/dev/null", 0, 0));
  say("write-resolv", open_close("/etc/resolv.conf", O_WRONLY));
  say("/proc/sys", write_text("/proc/sys/kernel/hostname", "x"));
  say("/proc/sys/ipc", write_text("/proc/sys/kernel/msgmax", "1"));  // the namespace's owner may
  say("/proc/sys/kernel/core_pattern", write_text("/proc/sys/kernel/core_pattern", "|/x"));
  say("/proc/sysrq-trigger", write_text("/proc/sysrq-trigger", "h"));
  say("/proc/irq", write_text("/proc/irq/default_smp_affinity", "1"));
  say("/proc/kcore", read_one("/proc/kcore"));
  say("/proc/keys", read_one("/proc/keys"));
  say("/proc/timer_list", read_one("/proc/timer_list"));
  say("/sys", mkdir("/sys/x", 0755));
  say("/sys/fs/cgroup", mkdir("/sys/fs/cgroup/x", 0755));
  say("/sys/kernel/mm", write_text("/sys/kernel/mm/transparent_hugepage/enabled", "never"));
  say("exe", open_close("/proc/self/exe", O_RDONLY));
}

// The classic: a second chroot inside the first leaves the way up open.
static void chroot_out(const char* secret) {
  mkdir("/jail", 0755);
  const int here = open("/", O_RDONLY | O_DIRECTORY);
  say("chroot", chroot("/jail"));
  say("fchdir", fchdir(here));
  for (int i = 0; i < 100; ++i)
    if (chdir("..") != 0) break;
  say("chroot-up", chroot("."));
  say("secret", access(secret, F_OK));
  say("own", access("/in-image", F_OK));
}

static void abstract(const char* name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  say("abstract", connect(fd, (void*)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))));
}

// Of many attempts the one that worked counts, else the last.
static void count(long* all, int* why, long one) {
  if (one >= 0) *all = 0;
  if (*all < 0) *why = errno;
}

// Descriptors of whoever else is seen, and what may have come along by mistake.
static void descriptors(void) {
  enum { kPids = 1000, kDescriptors = 256 };
  long own = -1, by_path = -1, by_number = -1;
  int own_why = 0, path_why = 0, number_why = 0;
  for (int fd = 3; fd < kDescriptors; ++fd) count(&own, &own_why, flock(fd, LOCK_UN));
  for (int pid = 1; pid < kPids; ++pid) {
    const int pidfd = pid == getpid() ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) continue;
    for (int fd = 0; fd < kDescriptors; ++fd) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
      count(&by_path, &path_why, open_close(path, O_RDONLY));
      count(&by_number, &number_why, syscall(SYS_pidfd_getfd, pidfd, fd, 0));
    }
    close(pidfd);
  }
  errno = own_why;
  say("unlock", own);
  errno = path_why;
  say("open", by_path);
  errno = number_why;
  say("get", by_number);
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "init")) init();
    if (!strcmp(argv[i], "kill")) kill_init();
    if (!strcmp(argv[i], "namespaces")) namespaces();
    if (!strcmp(argv[i], "mounts")) mounts();
    if (!strcmp(argv[i], "kernel")) kernel();
    if (!strcmp(argv[i], "int80")) int80();
    if (!strcmp(argv[i], "terminals")) terminals();
    if (!strcmp(argv[i], "files")) files();
    if (!strcmp(argv[i], "chroot")) chroot_out(argv[++i]);
    if (!strcmp(argv[i], "abstract")) abstract(argv[++i]);
    if (!strcmp(argv[i], "descriptors")) descriptors();
    if (!strcmp(argv[i], "wait")) getchar();
  }
  return 0;
}
