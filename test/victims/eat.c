// SPDX-License-Identifier: Apache-2.0
// Uses up what a job may have: eat HOW MEBIBYTES [NUMBER]
//   threads   NUMBER threads of one process touch it as fast as they can
//   slowly    one process, 8 MiB each 20 ms
//   shm       a file in /dev/shm, written and not mapped
//   memfd     a file without a name, the same
//   tree      NUMBER processes, each a child of the one before, each with its part
//   share     once by the parent, NUMBER children have the same pages; sleeps 2 s, ends with 0
//   disk      a file in the working folder
//   files     the same in files of 1 MiB
//   bomb      children that fork for ever; MEBIBYTES is not used
// Then it sleeps. Says "eaten" when it had all of it.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMiB = 1 << 20, kPage = 4096 };

static void die(const char* what) {
  perror(what);
  exit(3);
}

// By pieces: no single allocation that a limit could refuse.
static void touch(size_t mebibytes, useconds_t pause) {
  for (size_t i = 0; i < mebibytes; ++i) {
    char* piece = mmap(NULL, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) die("mmap");
    for (size_t at = 0; at < kMiB; at += kPage) piece[at] = 1;
    if (pause && i % 8 == 0) usleep(pause);
  }
}

static void* touch_part(void* mebibytes) {
  touch((size_t)mebibytes, 0);
  return NULL;
}

static void fill(int fd, size_t mebibytes) {
  static char piece[kMiB];
  memset(piece, 'x', sizeof piece);
  if (fd < 0) die("open");
  for (size_t i = 0; i < mebibytes; ++i)
    for (size_t done = 0; done < kMiB;) {
      const ssize_t n = write(fd, piece + done, kMiB - done);
      if (n < 0) die("write");
      done += (size_t)n;
    }
}

static void in_threads(size_t mebibytes, int number) {
  pthread_t thread;
  for (int i = 1; i < number; ++i)
    if (pthread_create(&thread, NULL, touch_part, (void*)(mebibytes / (size_t)number)) != 0)
      die("pthread_create");
  touch(mebibytes / (size_t)number, 0);
  if (number > 1) pthread_join(thread, NULL);
}

static void in_tree(size_t mebibytes, int number) {
  const size_t part = mebibytes / (size_t)number;
  for (int i = 0; i < number; ++i) {
    const pid_t pid = i + 1 < number ? fork() : 1;
    if (pid < 0) die("fork");
    if (pid == 0) continue;
    touch(part, 0);
    if (i + 1 < number) pause();
    return;
  }
}

static int in_common(size_t mebibytes, int number) {
  touch(mebibytes, 0);
  for (int i = 0; i < number; ++i) {
    const pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      sleep(2);
      _exit(0);
    }
  }
  while (wait(NULL) > 0) {
  }
  return 0;
}

static void small_files(size_t mebibytes) {
  for (size_t i = 0; i < mebibytes; ++i) {
    char name[32];
    snprintf(name, sizeof name, "eaten-%zu", i);
    const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    fill(fd, 1);
    close(fd);
  }
}

static void bomb(void) {
  for (;;) {
    const pid_t pid = fork();
    if (pid == 0) setsid();
    if (pid < 0) usleep(1000);
  }
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const size_t mebibytes = strtoul(argv[2], NULL, 10);
  const int number = argc > 3 ? atoi(argv[3]) : 1;
  const char* how = argv[1];
  if (strcmp(how, "threads") == 0)
    in_threads(mebibytes, number);
  else if (strcmp(how, "slowly") == 0)
    touch(mebibytes, 20000);
  else if (strcmp(how, "shm") == 0)
    fill(open("/dev/shm/eaten", O_WRONLY | O_CREAT, 0600), mebibytes);
  else if (strcmp(how, "memfd") == 0)
    fill(memfd_create("eaten", 0), mebibytes);
  else if (strcmp(how, "tree") == 0)
    in_tree(mebibytes, number);
  else if (strcmp(how, "share") == 0)
    return in_common(mebibytes, number);
  else if (strcmp(how, "disk") == 0)
    fill(open("eaten", O_WRONLY | O_CREAT, 0600), mebibytes);
  else if (strcmp(how, "files") == 0)
    small_files(mebibytes);
  else if (strcmp(how, "bomb") == 0)
    bomb();
  else
    return 2;
  puts("eaten");
  fflush(stdout);
  sleep(60);
  return 0;
}
