// SPDX-License-Identifier: Apache-2.0
// Runs a program as on an older kernel: old_kernel WHAT[,WHAT...] PROGRAM ARGUMENT...
// WHAT is the name of a system call that is not there (ENOSYS), or landlock=ABI. To answer for
// Landlock it looks into the callers' memory, so it needs CAP_SYS_PTRACE over them.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
  const char* name;
  int number;
} kCalls[] = {
    {"landlock_create_ruleset", SYS_landlock_create_ruleset},
    {"landlock_add_rule", SYS_landlock_add_rule},
    {"landlock_restrict_self", SYS_landlock_restrict_self},
    {"openat2", SYS_openat2},
    {"open_tree", SYS_open_tree},
    {"move_mount", SYS_move_mount},
    {"fsopen", SYS_fsopen},
    {"fsconfig", SYS_fsconfig},
    {"fsmount", SYS_fsmount},
    {"mount_setattr", SYS_mount_setattr},
    {"clone3", SYS_clone3},
    {"pidfd_open", SYS_pidfd_open},
    {"pidfd_getfd", SYS_pidfd_getfd},
    {"pidfd_send_signal", SYS_pidfd_send_signal},
    {"close_range", SYS_close_range},
    {"faccessat2", SYS_faccessat2},
    {"epoll_pwait2", SYS_epoll_pwait2},
    {"io_uring_setup", SYS_io_uring_setup},
};

static void die(const char* what) {
  perror(what);
  exit(125);
}

// struct landlock_ruleset_attr as of ABI 6, and what each ABI knows of it (linux/landlock.h).
struct ruleset {
  uint64_t files, net, scoped;
};
static const struct ruleset kKnown[] = {{0, 0, 0},
                                        {(1 << 13) - 1, 0, 0},
                                        {(1 << 14) - 1, 0, 0},
                                        {(1 << 15) - 1, 0, 0},
                                        {(1 << 15) - 1, 3, 0},
                                        {(1 << 16) - 1, 3, 0},
                                        {(1 << 16) - 1, 3, 3}};

// What a kernel with this ABI would say: 0 to let this one go on.
static int judge(const struct seccomp_notif* call, int abi, struct seccomp_notif_resp* answer) {
  if (call->data.args[2] == 1) {
    answer->val = abi;
    return 1;
  }
  struct ruleset wanted = {0, 0, 0};
  const size_t size = call->data.args[1] < sizeof wanted ? call->data.args[1] : sizeof wanted;
  struct iovec local = {&wanted, size};
  struct iovec remote = {(void*)call->data.args[0], size};
  if (process_vm_readv((pid_t)call->pid, &local, 1, &remote, 1, 0) != (ssize_t)size)
    answer->error = -EFAULT;
  else if ((abi < 4 && wanted.net) || (abi < 6 && wanted.scoped))
    answer->error = -E2BIG;
  else if (wanted.files & ~kKnown[abi].files)
    answer->error = -EINVAL;
  else
    return 0;
  return 1;
}

static void answer_one(int listener, int abi) {
  struct seccomp_notif call = {0};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return;
  struct seccomp_notif_resp answer = {.id = call.id};
  if (!judge(&call, abi, &answer)) answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static int supervise(int listener, int abi, pid_t child) {
  const int ended = (int)syscall(SYS_pidfd_open, child, 0);
  struct pollfd fds[] = {{ended, POLLIN, 0}, {listener, POLLIN, 0}};
  int status;
  while (poll(fds, 2, -1) > 0 && !fds[0].revents) answer_one(listener, abi);
  if (waitpid(child, &status, 0) != child) die("waitpid");
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char** argv) {
  struct sock_filter code[3 + 2 * sizeof kCalls / sizeof *kCalls + 2];
  unsigned n = 0;
  int abi = 0;
  if (argc < 3) return 125;
  code[n++] =
      (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (char* what = strtok(argv[1], ","); what; what = strtok(NULL, ",")) {
    unsigned i = 0;
    if (sscanf(what, "landlock=%d", &abi) == 1 && abi >= 1 && abi <= 6) continue;
    while (i < sizeof kCalls / sizeof *kCalls && strcmp(what, kCalls[i].name) != 0) ++i;
    if (i == sizeof kCalls / sizeof *kCalls || n + 5 > sizeof code / sizeof *code) {
      fprintf(stderr, "old_kernel: %s?\n", what);
      return 125;
    }
    code[n++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)kCalls[i].number, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
  }
  if (abi) {
    code[n++] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_landlock_create_ruleset, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const struct sock_fprog filter = {(unsigned short)n, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("no_new_privs");
  const long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                abi ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0, &filter);
  if (listener < 0) die("seccomp");
  if (abi) {
    const pid_t child = fork();
    if (child < 0) die("fork");
    if (child > 0) return supervise((int)listener, abi, child);
    close((int)listener);
  }
  execvp(argv[2], argv + 2);
  die(argv[2]);
}
