// SPDX-License-Identifier: Apache-2.0
// Tries to confuse, race and stop what changes the metadata of files for the payload
// (call_service.h). Argument: a folder of the pod whose mode must stay.
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "test/victims/attack.h"

static void confuse(void) {
  struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  const struct sock_fprog program = {1, &allow};
  char* const pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 4096, 4096);
  memset(pages, 'x', 4096);
  static char big[70000];
  const int own = open("service", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  // EBUSY where there is one; where there is none the payload may have its own.
  syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  say("chmod-null-path", syscall(SYS_fchmodat, AT_FDCWD, NULL, 0777));
  say("chmod-kernel-path", chmod((const char*)-4096L, 0777));
  say("chmod-endless-path", chmod(pages, 0777));
  say("chmod-half-path", chmod(pages + 4000, 0777));
  say("chmod-no-descriptor", fchmod(-1, 0777));
  say("utimes-kernel-times", futimens(own, (const void*)-4096L));
  say("setxattr-big", fsetxattr(own, "user.x", big, sizeof big, 0));
  say("setxattr-kernel-value", fsetxattr(own, "user.x", (const void*)-4096L, 100, 0));
  say("setxattr-endless-name", fsetxattr(own, pages, "", 0, 0));
  // Callers that die while they wait.
  for (int i = 0; i < 200; ++i) {
    const pid_t child = fork();
    if (child == 0)
      for (;;) fchmod(own, 0600);
    if (i % 4 == 0) usleep(200);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  const mode_t mode = 0642;
  struct stat st;
  const int alive = fchmod(own, mode) == 0 && fstat(own, &st) == 0 && (st.st_mode & 07777) == mode;
  say("service-ended", alive ? failed(EPERM) : 0);
}

static volatile int racing = 1;
static char raced[256];
static const char* race_between[2];

static void* swap_path(void* unused) {
  while (racing)
    for (int i = 0; i < 2; ++i) strcpy(raced, race_between[i]);
  return unused;
}

static void* swap_link(void* unused) {
  while (racing)
    for (int i = 0; i < 2; ++i)
      if (symlink(race_between[i], "race-new") == 0) rename("race-new", "race-link");
  return unused;
}

// A path, or what it means, that changes between a look at it and its use.
static void race(const char* target) {
  struct stat before, after;
  if (stat(target, &before) != 0) return;
  close(open("race-own", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  race_between[0] = "race-own";
  race_between[1] = target;
  void* (*const ways[])(void*) = {swap_path, swap_link};
  for (int way = 0; way < 2; ++way) {
    pthread_t thread;
    racing = 1;
    strcpy(raced, way == 0 ? "race-own" : "race-link");
    pthread_create(&thread, NULL, ways[way], NULL);
    for (int i = 0; i < 3000; ++i) {
      chmod(raced, 0707);
      setxattr(raced, "user.race", "x", 1, 0);
    }
    racing = 0;
    pthread_join(thread, NULL);
    const int changed = stat(target, &after) == 0 && after.st_mode != before.st_mode;
    say(way == 0 ? "race-path" : "race-link", changed ? 0 : failed(EPERM));
  }
}

int main(int argc, char** argv) {
  if (argc > 1) race(argv[1]);
  confuse();
  return 0;
}
