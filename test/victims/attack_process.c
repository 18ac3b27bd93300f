// SPDX-License-Identifier: Apache-2.0
// Tries to look into, change and end the processes of the pod that are no part of the payload: the
// pilot, its launcher, the supervisor of the job, a pull. Names end in ":ROLE"; "see:ROLE" is said
// of all but the supervisor. What takes a number is tried where /proc's numbers are the payload's.
#define _GNU_SOURCE
#include "test/victims/attack.h"

#include <dirent.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { kMost = 64 };

struct process {
  int pid;
  int parent;
  int session;
  unsigned long long start;
  char state;
  char comm[32];
  cpu_set_t cpus;
  const char* role;
};

static long look_at(const char* entry, struct process* out) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%s/stat", entry);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return -1;
  text[n] = 0;
  const char* name = strchr(text, '(');
  const char* rest = strrchr(text, ')');
  if (!name || !rest) return -1;
  out->pid = atoi(text);
  snprintf(out->comm, sizeof out->comm, "%.*s", (int)(rest - name - 1), name + 1);
  // proc(5): state ppid pgrp session, and starttime as the 22nd field.
  return sscanf(rest + 2,
                "%c %d %*d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
                &out->state, &out->parent, &out->session, &out->start) == 4
             ? 0
             : -1;
}

static const char* role_of(const struct process* who, const struct process* parent) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/cmdline", who->pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
  if (fd >= 0) close(fd);
  if (n < 0) n = 0;
  line[n] = 0;
  const char* second = line + strlen(line) + 1;
  if (second < line + n && !strcmp(second, "pull")) return "pull";
  if (!strcmp(who->comm, "podpilot")) return "pilot";
  if (strcmp(who->comm, "podpilot-launch") != 0) return "other";
  return !parent || !strcmp(parent->comm, who->comm) ? "supervisor" : "launcher";
}

// Everything below /proc/PID that tells or changes something.
static void by_path(const struct process* who, const char* role) {
  char path[128], target[256], what[64];
  const char* readable[] = {"mem",   "environ", "maps",        "smaps",   "auxv",
                            "stack", "syscall", "personality", "pagemap", "io"};
  for (unsigned i = 0; i < sizeof readable / sizeof *readable; ++i) {
    snprintf(path, sizeof path, "/proc/%d/%s", who->pid, readable[i]);
    say_of(readable[i], role, read_one(path));
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", who->pid, who->pid, readable[i]);
    snprintf(what, sizeof what, "task/%s", readable[i]);
    say_of(what, role, read_one(path));
  }
  const char* folders[] = {"fd", "fdinfo", "map_files", "root/", "cwd/", "task/1/fd"};
  for (unsigned i = 0; i < sizeof folders / sizeof *folders; ++i) {
    snprintf(path, sizeof path, "/proc/%d/%s", who->pid, folders[i]);
    say_of(folders[i], role, open_close(path, O_RDONLY | O_DIRECTORY));
  }
  const char* links[] = {"root", "cwd", "exe", "ns/mnt", "ns/user", "fd/0", "fd/3", "fd/4"};
  for (unsigned i = 0; i < sizeof links / sizeof *links; ++i) {
    snprintf(path, sizeof path, "/proc/%d/%s", who->pid, links[i]);
    snprintf(what, sizeof what, "link-%s", links[i]);
    say_of(what, role, readlink(path, target, sizeof target));
    snprintf(what, sizeof what, "open-%s", links[i]);
    say_of(what, role, open_close(path, O_RDONLY));
  }
  snprintf(path, sizeof path, "/proc/%d/exe", who->pid);
  say_of("exe-write", role, open_close(path, O_WRONLY));
  say_of("exe-chmod", role, chmod(path, 0777));
  snprintf(path, sizeof path, "/proc/%d/root/var/run/secrets/kubernetes.io/serviceaccount/token",
           who->pid);
  say_of("root/token", role, read_one(path));
  const struct {
    const char* file;
    const char* text;
  } switches[] = {{"oom_score_adj", "1000"},
                  {"oom_adj", "15"},
                  {"coredump_filter", "0x7f"},
                  {"clear_refs", "1"},
                  {"autogroup", "19"},
                  {"timerslack_ns", "100000"},
                  {"sched", "0"},
                  {"comm", "attacked"},
                  {"setgroups", "deny"},
                  {"uid_map", "0 0 1"},
                  {"attr/current", "none"}};
  for (unsigned i = 0; i < sizeof switches / sizeof *switches; ++i) {
    snprintf(path, sizeof path, "/proc/%d/%s", who->pid, switches[i].file);
    snprintf(what, sizeof what, "write-%s", switches[i].file);
    say_of(what, role, write_text(path, switches[i].text));
  }
  snprintf(path, sizeof path, "/proc/%d/mem", who->pid);
  say_of("write-mem", role, open_close(path, O_RDWR));
}

// What F_SETOWN names gets the signal when the socket can be read.
static long signal_by_socket(int pid) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  long result = fcntl(ends[0], F_SETOWN, pid);
  if (result == 0) result = fcntl(ends[0], F_SETSIG, SIGKILL);
  if (result == 0) result = fcntl(ends[0], F_SETFL, O_ASYNC);
  if (result == 0) result = write(ends[1], "x", 1);
  close(ends[0]);
  close(ends[1]);
  return result;
}

static void into(int pid, const char* role) {
  char bytes[16];
  struct iovec local = {bytes, sizeof bytes}, remote = {(void*)role_of, sizeof bytes};
  say_of("process_vm_readv", role, process_vm_readv(pid, &local, 1, &remote, 1, 0));
  say_of("process_vm_writev", role, process_vm_writev(pid, &local, 1, &remote, 1, 0));
  say_of("ptrace-attach", role, ptrace(PTRACE_ATTACH, pid, 0, 0));
  say_of("ptrace-seize", role, ptrace(PTRACE_SEIZE, pid, 0, 0));
  say_of("kcmp", role, syscall(SYS_kcmp, getpid(), pid, 0, 0, 0));
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  for (int fd = 0; fd < 5; ++fd) {
    char what[32];
    snprintf(what, sizeof what, "pidfd_getfd-%d", fd);
    say_of(what, role, syscall(SYS_pidfd_getfd, pidfd, fd, 0));
  }
  say_of("process_madvise", role, syscall(SYS_process_madvise, pidfd, &remote, 1, 20, 0));
  say_of("process_mrelease", role, syscall(SYS_process_mrelease, pidfd, 0));
  say_of("setns", role, setns(pidfd, CLONE_NEWNET));
  void* page = (void*)((uintptr_t)&into & ~4095UL);
  int node = 0, status = 0;
  say_of("move_pages", role, syscall(SYS_move_pages, pid, 1UL, &page, &node, &status, 0));
  unsigned long nodes = 1;
  say_of("migrate_pages", role, syscall(SYS_migrate_pages, pid, 8UL, &nodes, &nodes));
  struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event};
  event.exclude_kernel = 1;
  say_of("perf_event_open", role, syscall(SYS_perf_event_open, &event, pid, -1, -1, 0));
  void* head;
  size_t length;
  say_of("get_robust_list", role, syscall(SYS_get_robust_list, pid, &head, &length));
  close(pidfd);
}

static void scheduling(int pid, const char* role) {
  struct rlimit limit = {1, 1};
  say_of("prlimit-read", role, prlimit(pid, RLIMIT_NOFILE, NULL, &limit));
  limit.rlim_cur = limit.rlim_max = 1 << 20;
  say_of("prlimit", role, prlimit(pid, RLIMIT_CORE, &limit, NULL));
  say_of("setpriority", role, setpriority(PRIO_PROCESS, (id_t)pid, 19));
  say_of("setpriority-group", role, setpriority(PRIO_PGRP, (id_t)pid, 19));
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  say_of("sched_setaffinity", role, sched_setaffinity(pid, sizeof cpus, &cpus));
  struct sched_param none = {0};
  say_of("sched_setscheduler", role, sched_setscheduler(pid, SCHED_BATCH, &none));
  say_of("sched_setparam", role, sched_setparam(pid, &none));
  const struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {.size = 48, .policy = SCHED_BATCH};
  say_of("sched_setattr", role, syscall(SYS_sched_setattr, pid, &attributes, 0));
  say_of("ioprio_set", role, syscall(SYS_ioprio_set, 1, pid, 3 << 13));
  say_of("ioprio_set-group", role, syscall(SYS_ioprio_set, 2, pid, 3 << 13));
  say_of("setpgid", role, setpgid(pid, 0));
}

// SIGKILL last of all: what worked shows in the line "alive".
static void signals(const struct process* who, const char* role) {
  char path[64];
  const int pid = who->pid;
  union sigval value = {.sival_int = 0};
  say_of("kill-0", role, kill(pid, 0));
  say_of("kill", role, kill(pid, SIGCONT));
  say_of("tkill", role, syscall(SYS_tkill, pid, SIGCONT));
  say_of("tgkill", role, syscall(SYS_tgkill, pid, pid, SIGCONT));
  say_of("sigqueue", role, sigqueue(pid, SIGCONT, value));
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  say_of("pidfd_send_signal", role, syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0));
  close(pidfd);
  snprintf(path, sizeof path, "/proc/%d", pid);
  const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  say_of("pidfd_send_signal-proc", role, syscall(SYS_pidfd_send_signal, folder, SIGCONT, NULL, 0));
  close(folder);
  say_of("kill-stop", role, kill(pid, SIGSTOP));
  say_of("kill-segv", role, kill(pid, SIGSEGV));
  signal_by_socket(pid);
  signal_by_socket(-pid);
  say_of("kill-9", role, kill(pid, SIGKILL));
  usleep(5000);
  struct process now;
  char entry[16];
  snprintf(entry, sizeof entry, "%d", pid);
  const int alive =
      look_at(entry, &now) == 0 && now.start == who->start && now.state != 'Z' && now.state != 'T';
  say_of("ended", role, alive ? failed(EPERM) : 0);
}

static void* tell_number(void* number) {
  atomic_store((atomic_int*)number, gettid());
  return NULL;
}

// Numbers of threads that end, and may become somebody else's, while their processors are set.
static void race_numbers(void) {
  cpu_set_t cpus;
  sched_getaffinity(0, sizeof cpus, &cpus);
  int first = 0;
  while (!CPU_ISSET(first, &cpus)) ++first;
  CPU_ZERO(&cpus);
  CPU_SET(first, &cpus);
  for (int i = 0; i < 200; ++i) {
    atomic_int number = 0;
    pthread_t thread;
    if (pthread_create(&thread, NULL, tell_number, &number) != 0) return;
    while (atomic_load(&number) == 0) sched_yield();
    sched_setaffinity(number, sizeof cpus, &cpus);
    pthread_join(thread, NULL);
    sched_setaffinity(number, sizeof cpus, &cpus);
  }
}

int main(void) {
  static struct process all[kMost];
  struct process self;
  int count = 0;
  DIR* proc = opendir("/proc");
  if (!proc || look_at("self", &self) != 0) return 1;
  for (const struct dirent* entry; (entry = readdir(proc)) && count < kMost;)
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
        look_at(entry->d_name, &all[count]) == 0 && all[count].session != self.session &&
        all[count].state != 'Z')
      ++count;
  closedir(proc);
  // Whether a number of /proc is the same process here.
  const int same_numbers = self.pid == getpid();
  for (int i = 0; i < count; ++i) {
    const struct process* parent = NULL;
    for (int j = 0; j < count; ++j)
      if (all[j].pid == all[i].parent) parent = &all[j];
    const char* role = all[i].role = role_of(&all[i], parent);
    if (strcmp(role, "supervisor") != 0) say_of("see", role, 0);
    by_path(&all[i], role);
    if (!same_numbers) continue;
    into(all[i].pid, role);
    sched_getaffinity(all[i].pid, sizeof all[i].cpus, &all[i].cpus);
    scheduling(all[i].pid, role);
    signals(&all[i], role);
  }
  race_numbers();
  for (int i = 0; i < count; ++i) {
    cpu_set_t cpus;
    if (!same_numbers || sched_getaffinity(all[i].pid, sizeof cpus, &cpus) != 0) continue;
    say_of("race-affinity", all[i].role, CPU_EQUAL(&cpus, &all[i].cpus) ? failed(EPERM) : 0);
  }
  // All processes of the uid at once, pid 1 among them.
  say("setpriority-user", setpriority(PRIO_USER, getuid(), 19));
  say("ioprio_set-user", syscall(SYS_ioprio_set, 3, getuid(), 3 << 13));
  return 0;
}
