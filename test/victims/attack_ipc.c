// SPDX-License-Identifier: Apache-2.0
// Tries what reaches others by neither path nor process: System V and POSIX queues, sockets of the
// pod's network namespace, descriptors that were left open, a core. `leave` leaves something of
// each kind behind, for the next job to look for.
#define _GNU_SOURCE
#include "test/victims/attack.h"

#include <mqueue.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

// linux/shm.h, sem.h, msg.h: as the *_STAT calls, also for objects that nobody may read.
enum { kShmStatAny = 15, kSemStatAny = 20, kMsgStatAny = 13 };

// The best result of all objects; ENOENT where there is none.
static void best(long* so_far, int* err, long result) {
  if (*so_far >= 0) return;
  *so_far = result;
  *err = errno;
}

#define OF_ALL(name, last, stat, call)                  \
  do {                                                  \
    long result = -1;                                   \
    int err = ENOENT;                                   \
    for (int i = 0, end = (int)(last); i <= end; ++i) { \
      const int id = (int)(stat);                       \
      if (id >= 0) best(&result, &err, (call));         \
    }                                                   \
    errno = err;                                        \
    say(name, result);                                  \
  } while (0)

static void system_v(void) {
  struct shmid_ds shm;
  struct msqid_ds msg;
  struct semid_ds sem;
  union {
    int value;
    void* pointer;
  } argument = {.pointer = &sem}, one = {.value = 1};
  struct {
    long type;
    char text[8];
  } message = {1, "attack"};
#define SHM(name, call) OF_ALL(name, shmctl(0, SHM_INFO, &shm), shmctl(i, kShmStatAny, &shm), call)
#define MSG(name, call) OF_ALL(name, msgctl(0, MSG_INFO, &msg), msgctl(i, kMsgStatAny, &msg), call)
#define SEM(name, call) \
  OF_ALL(name, semctl(0, 0, SEM_INFO, argument), semctl(i, 0, kSemStatAny, argument), call)
  SHM("shm-read", (long)shmat(id, NULL, SHM_RDONLY) == -1 ? -1 : 0);
  SHM("shm-write", (long)shmat(id, NULL, 0) == -1 ? -1 : 0);
  SHM("shm-set", shmctl(id, IPC_SET, &shm));
  SHM("shm-remove", shmctl(id, IPC_RMID, NULL));
  MSG("msg-send", msgsnd(id, &message, sizeof message.text, IPC_NOWAIT));
  MSG("msg-receive", msgrcv(id, &message, sizeof message.text, 0, IPC_NOWAIT | MSG_NOERROR));
  MSG("msg-set", msgctl(id, IPC_SET, &msg));
  MSG("msg-remove", msgctl(id, IPC_RMID, NULL));
  SEM("sem-get", semctl(id, 0, GETVAL));
  SEM("sem-set", semctl(id, 0, SETVAL, one));
  SEM("sem-remove", semctl(id, 0, IPC_RMID));
}

// "/pod" is the pod's, "/left" of another job.
static void queues(void) {
  const char* names[] = {"/pod", "/left"};
  for (int i = 0; i < 2; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/dev/mqueue%s", names[i]);
    say_of("mqueue-read", names[i], mq_open(names[i], O_RDONLY | O_NONBLOCK));
    say_of("mqueue-write", names[i], mq_open(names[i], O_WRONLY | O_NONBLOCK));
    say_of("mqueue-stat", names[i], read_one(path));
    say_of("mqueue-remove", names[i], mq_unlink(names[i]));
  }
}

static long reach(const struct sockaddr_un* address, socklen_t size, int type) {
  const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const long result = type == SOCK_STREAM ? connect(fd, (const void*)address, size)
                                          : sendto(fd, "x", 1, 0, (const void*)address, size);
  const int err = errno;
  close(fd);
  errno = err;
  return result;
}

static void sockets(void) {
  const char* abstract[] = {"podpilot-test-stream", "podpilot-test-datagram"};
  const char* paths[] = {"/pod/neighbour/stream", "/pod/neighbour/datagram"};
  for (int i = 0; i < 2; ++i) {
    const int type = i == 0 ? SOCK_STREAM : SOCK_DGRAM;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path + 1, abstract[i]);
    say_of(
        "socket-abstract", i == 0 ? "stream" : "datagram",
        reach(&address,
              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract[i])), type));
    struct sockaddr_un named = {.sun_family = AF_UNIX};
    strcpy(named.sun_path, paths[i]);
    say_of("socket-path", i == 0 ? "stream" : "datagram", reach(&named, sizeof named, type));
  }
  say("socket-packet", socket(AF_PACKET, SOCK_RAW, 0));
  say("socket-raw", socket(AF_INET, SOCK_RAW, 1));
}

static void descriptors(void) {
  long open = failed(EBADF);
  for (int fd = 3; fd < 1024 && open < 0; ++fd) open = fcntl(fd, F_GETFD);
  say("descriptor", open);
}

// A core would hold what podpilot's memory held when it forked, and core_pattern may be a program.
static void core(void) {
  const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  say("core-limit", setrlimit(RLIMIT_CORE, &all));
  int status = 0;
  const pid_t child = fork();
  if (child == 0) abort();
  waitpid(child, &status, 0);
  say("core", WCOREDUMP(status) ? 0 : failed(EPERM));
}

static void leave(void) {
  struct {
    long type;
    char text[8];
  } message = {1, "left"};
  say("leave-shm", shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666));
  const int queue = msgget(IPC_PRIVATE, IPC_CREAT | 0666);
  say("leave-msg", msgsnd(queue, &message, sizeof message.text, 0));
  say("leave-sem", semget(IPC_PRIVATE, 1, IPC_CREAT | 0666));
  say("leave-mqueue", mq_open("/left", O_RDWR | O_CREAT, 0666, NULL));
}

int main(int argc, char** argv) {
  descriptors();
  if (argc > 1 && !strcmp(argv[1], "leave")) {
    leave();
    return 0;
  }
  system_v();
  queues();
  sockets();
  core();
  return 0;
}
