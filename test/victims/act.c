// SPDX-License-Identifier: Apache-2.0
// Behaves: `exit N`, `raise N`, `abort`, `signals` (names what it gets until SIGTERM), `orphans`,
// `storm`, `burn`, `deep`, `echo` (stdin to stdout), `tick` (a dot each 5 ms), `hang`, `traced`
// (asks its parent to trace it, gets a signal, and executes `exit 5`).
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    const int got = sigwaitinfo(&all, NULL);
    if (got <= 0) continue;
    printf("%s\n", got < 32 ? sigabbrev_np(got) : "RT");
    fflush(stdout);
    if (got == SIGTERM) exit(7);
  }
}

// Grandchildren whose parents are gone, some dead, some alive.
static void orphans(void) {
  for (int i = 0; i < 20; ++i) {
    if (fork() == 0) {
      for (int j = 0; j < 2; ++j) {
        if (fork() == 0) {
          setsid();
          if (j == 0) _exit(3);
          signal(SIGTERM, SIG_IGN);
          signal(SIGHUP, SIG_IGN);
          for (;;) pause();
        }
      }
      _exit(0);
    }
  }
  while (wait(NULL) > 0) {
  }
  usleep(50000);
}

// Never more than a hundred at once, but always new ones.
static void storm(void) {
  int* count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  signal(SIGCHLD, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  printf("ready\n");
  fflush(stdout);
  for (;;) {
    if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) > 100) {
      __atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
      usleep(500);
      continue;
    }
    if (fork() == 0) {
      usleep(1000);
      if (rand() % 2) {
        __atomic_sub_fetch(count, 1, __ATOMIC_SEQ_CST);
        _exit(0);
      }
    }
  }
}

static void burn(void) {
  const size_t size = 30 << 20;
  volatile char* bytes = malloc(size);
  for (size_t i = 0; i < size; i += 4096) bytes[i] = 1;
  while (clock() < CLOCKS_PER_SEC / 10) {
  }
}

static void deep(void) {
  for (int i = 0; i < 500; ++i)
    if (mkdir("d", 0755) != 0 || chdir("d") != 0) exit(1);
  mkdir("closed", 0);
}

static volatile sig_atomic_t handled;
static void handle(int signal_) {
  handled = signal_;
}

// As programs do that want no debugger. The errno where that is refused.
static void traced(void) {
  signal(SIGUSR1, handle);
  if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) exit(errno);
  raise(SIGUSR1);
  if (handled != SIGUSR1 || ptrace(PTRACE_TRACEME, 0, 0, 0) != 0) exit(100);
  execl("/proc/self/exe", "act", "exit", "5", NULL);
  exit(101);
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "exit")) return atoi(argv[2]);
  if (!strcmp(what, "raise")) raise(atoi(argv[2]));
  if (!strcmp(what, "abort")) abort();
  if (!strcmp(what, "signals")) signals();
  if (!strcmp(what, "orphans")) orphans();
  if (!strcmp(what, "storm")) storm();
  if (!strcmp(what, "burn")) burn();
  if (!strcmp(what, "deep")) deep();
  if (!strcmp(what, "traced")) traced();
  if (!strcmp(what, "hang"))
    for (;;) pause();
  if (!strcmp(what, "echo")) {
    char bytes[4096];
    ssize_t n;
    while ((n = read(0, bytes, sizeof bytes)) > 0)
      if (write(1, bytes, (size_t)n) != n) return 1;
    return n < 0;
  }
  if (!strcmp(what, "tick"))
    for (;;) {
      if (write(1, ".", 1) != 1) return 1;
      usleep(5000);
    }
  return 0;
}
