// SPDX-License-Identifier: Apache-2.0
// Tells what it sees. Arguments, done in order: `cat F`, `ls D`, `stat F`, `status KEY`, `isatty`,
// `cwd`, `ids`, `env`, `write F TEXT`, `rm F`, `open F` (errno), `pids`, `session`, `memfd`.
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static void cat(const char* path) {
  char bytes[4096];
  const int fd = open(path, O_RDONLY);
  if (fd < 0) {
    printf("%s: %s\n", path, strerrorname_np(errno));
    return;
  }
  ssize_t n;
  fflush(stdout);
  while ((n = read(fd, bytes, sizeof bytes)) > 0)
    if (write(1, bytes, (size_t)n) != n) break;
  if (n < 0) printf("%s: %s\n", path, strerrorname_np(errno));
  close(fd);
}

static int by_name(const struct dirent** a, const struct dirent** b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void list(const char* path, int pids_only) {
  struct dirent** entries;
  const int n = scandir(path, &entries, NULL, by_name);
  if (n < 0) printf("%s: %s", path, strerrorname_np(errno));
  for (int i = 0; i < n; ++i) {
    const char* name = entries[i]->d_name;
    if (name[0] != '.' && (!pids_only || isdigit((unsigned char)name[0]))) printf("%s ", name);
  }
  printf("\n");
}

static void status(const char* key) {
  char line[512];
  FILE* file = fopen("/proc/self/status", "re");
  while (file && fgets(line, sizeof line, file))
    if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') printf("%s", line);
  if (file) fclose(file);
}

static void write_file(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
  printf("write %s\n", n < 0 ? strerrorname_np(errno) : "ok");
  if (fd >= 0) close(fd);
}

static void describe(const char* path) {
  struct stat st;
  if (lstat(path, &st) != 0)
    printf("%s %s\n", path, strerrorname_np(errno));
  else
    printf("%s %o %u:%u\n", path, st.st_mode, st.st_uid, st.st_gid);
}

// Programs that unpack themselves run from memory.
static void run_from_memory(void) {
  const int fd = memfd_create("x", MFD_CLOEXEC);
  const int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  char bytes[65536];
  ssize_t n;
  while ((n = read(self, bytes, sizeof bytes)) > 0)
    if (write(fd, bytes, (size_t)n) != n) break;
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) {
    char* const argv[] = {"look", "cwd", NULL};
    fexecve(fd, argv, environ);
    printf("memfd %s\n", strerrorname_np(errno));
    fflush(stdout);
    _exit(1);
  }
  waitpid(pid, NULL, 0);
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const char* what = argv[i];
    const char* next = i + 1 < argc ? argv[i + 1] : "";
    if (!strcmp(what, "cat")) cat(next), ++i;
    if (!strcmp(what, "ls")) list(next, 0), ++i;
    if (!strcmp(what, "pids")) list("/proc", 1);
    if (!strcmp(what, "stat")) describe(next), ++i;
    if (!strcmp(what, "status")) status(next), ++i;
    if (!strcmp(what, "isatty")) printf("%d%d%d\n", isatty(0), isatty(1), isatty(2));
    if (!strcmp(what, "ids")) printf("%u:%u %d\n", getuid(), getgid(), getgroups(0, NULL));
    if (!strcmp(what, "session")) printf("%d %d %d\n", getpid(), getsid(0), tcgetpgrp(0));
    if (!strcmp(what, "memfd")) run_from_memory();
    if (!strcmp(what, "cwd")) {
      char path[4096];
      printf("%s\n", getcwd(path, sizeof path) ? path : "?");
    }
    if (!strcmp(what, "env"))
      for (char** e = environ; *e; ++e) printf("%s\n", *e);
    if (!strcmp(what, "write")) write_file(next, argv[i + 2]), i += 2;
    if (!strcmp(what, "rm"))
      printf("rm %s\n", remove(next) == 0 ? "ok" : strerrorname_np(errno)), ++i;
    if (!strcmp(what, "rename")) {
      printf("rename %s\n", rename(next, argv[i + 2]) == 0 ? "ok" : strerrorname_np(errno));
      i += 2;
    }
    if (!strcmp(what, "window")) {
      struct winsize size = {0};
      ioctl(0, TIOCGWINSZ, &size);
      printf("%ux%u\n", size.ws_col, size.ws_row);
    }
    fflush(stdout);
  }
  return 0;
}
