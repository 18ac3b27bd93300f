// SPDX-License-Identifier: Apache-2.0
// Tries to get past the filters by a process that it traces: without them, and by a call that
// becomes another one once it was let in. Argument: a folder of the pod whose mode must stay.
#define _GNU_SOURCE
#include "test/victims/attack.h"

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { kSuspendSeccomp = 1 << 21 };  // linux/ptrace.h, PTRACE_O_SUSPEND_SECCOMP

// Stopped, and traced by this process.
static pid_t traced_child(void) {
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) _exit(errno);
    raise(SIGSTOP);
    for (;;) syscall(SYS_getppid);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  if (WIFSTOPPED(status)) return child;
  return (pid_t)failed(WEXITSTATUS(status));
}

static void end(pid_t child) {
  if (child < 0) return;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

static void without_filters(void) {
  const pid_t child = traced_child();
  say("trace-suspend-seccomp",
      child < 0 ? -1 : ptrace(PTRACE_SETOPTIONS, child, 0, (void*)(long)kSuspendSeccomp));
  end(child);
}

#ifdef __x86_64__
struct call {
  const char* name;
  long number;
  long arguments[4];
};

static long set(pid_t child, int reg, long value) {
  return ptrace(PTRACE_POKEUSER, child, sizeof(long) * (size_t)reg, value);
}

// What the call answers that the child made as getppid(2).
static long rewritten(pid_t child, const struct call* call) {
  static const int kRegisters[] = {RDI, RSI, RDX, R10};
  for (int stop = 0; stop < 2; ++stop) {
    int status = 0;
    if (ptrace(PTRACE_SYSCALL, child, 0, 0) != 0 || waitpid(child, &status, 0) != child) return -1;
    if (!WIFSTOPPED(status)) return failed(ESRCH);
    if (stop == 1) break;
    for (int i = 0; i < 4; ++i)
      if (set(child, kRegisters[i], call->arguments[i]) != 0) return -1;
    if (set(child, ORIG_RAX, call->number) != 0) return -1;
  }
  errno = 0;
  const long answer = ptrace(PTRACE_PEEKUSER, child, sizeof(long) * RAX, 0);
  return answer < 0 ? failed((int)-answer) : answer;
}

static void other_calls(const char* target) {
  char mode[512], times[512];
  snprintf(mode, sizeof mode, "mode-rewritten:%s", target);
  snprintf(times, sizeof times, "times-rewritten:%s", target);
  const struct rlimit limit = {1 << 20, 1 << 20};
  const struct call calls[] = {
      {"rewritten-sethostname", SYS_sethostname, {(long)"x", 1}},
      {"rewritten-unshare", SYS_unshare, {CLONE_NEWUSER}},
      {"rewritten-keyctl", SYS_keyctl, {0, -3, 0}},
      {"rewritten-mount", SYS_mount, {(long)"t", (long)"/tmp", (long)"tmpfs"}},
      {"rewritten-prlimit", SYS_prlimit64, {1, RLIMIT_CORE, (long)&limit}},
      {mode, SYS_chmod, {(long)target, 0777}},
      {times, SYS_utimes, {(long)target, 0}},
  };
  for (unsigned i = 0; i < sizeof calls / sizeof *calls; ++i) {
    const pid_t child = traced_child();
    say(calls[i].name, child < 0 ? -1 : rewritten(child, &calls[i]));
    end(child);
  }
}
#endif

int main(int argc, char** argv) {
  without_filters();
#ifdef __x86_64__
  if (argc > 1) other_calls(argv[1]);
#endif
  return 0;
}
