// SPDX-License-Identifier: Apache-2.0
// What the attacks share. One line an attempt: its name and "YES" where it worked, else the errno.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// `result` as of a system call: -1 and errno where it failed.
static inline void say(const char* name, long result) {
  const int err = errno;
  const char* word = strerrorname_np(err);
  printf("%s %s\n", name, result >= 0 ? "YES" : word ? word : "E?");
  fflush(stdout);
}

// "WHAT:WHOM YES"
static inline void say_of(const char* what, const char* whom, long result) {
  const int err = errno;
  char name[512];
  snprintf(name, sizeof name, "%s:%s", what, whom);
  errno = err;
  say(name, result);
}

static inline long failed(int err) {
  errno = err;
  return -1;
}

static inline long open_close(const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd;
}

// An empty file is ENODATA.
static inline long read_one(const char* path) {
  char byte;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const long n = read(fd, &byte, 1);
  const int err = errno;
  close(fd);
  if (n > 0) return 0;
  return failed(n == 0 ? ENODATA : err);
}

static inline long write_text(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const long n = write(fd, text, strlen(text));
  const int err = errno;
  close(fd);
  errno = err;
  return n;
}
