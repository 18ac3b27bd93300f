// SPDX-License-Identifier: Apache-2.0
// Tries to change a file or folder of the pod, content and metadata, in every way in which a call
// can name it. Arguments: LABEL TARGET, repeated. Lines are "WHAT-HOW:LABEL".
#define _GNU_SOURCE
#include "test/victims/attack.h"

#include <stdint.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <utime.h>

// linux/xattr.h and linux/fs.h of kernels newer than the headers.
struct xattr_arguments {
  uint64_t value;
  uint32_t size;
  uint32_t flags;
};
enum { kFchmodat2 = 452, kSetxattrat = 463, kRemovexattrat = 466, kFileSetattr = 469 };

static const struct timespec kNow[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
// posix_acl_xattr(5): version 2; owner, group, others may do all.
static const struct {
  uint32_t version;
  struct {
    uint16_t tag, permissions;
    uint32_t id;
  } entries[3];
} kAcl = {2, {{1, 7, ~0U}, {4, 7, ~0U}, {32, 7, ~0U}}};
static const char kAttribute[] = "user.overlay.attack";

#define TRY_IT(what, call)                                  \
  do {                                                      \
    char name[512];                                         \
    snprintf(name, sizeof name, what "-%s:%s", how, label); \
    say(name, call);                                        \
  } while (0)

// removexattr(2) of what is not there is ENODATA where it is allowed, EPERM where it is not.
static long allowed(long removed) {
  return removed != 0 && errno == ENODATA ? 0 : removed;
}

// `at` is relative to `folder`. What does not follow is tried by the name itself: of a link in
// /proc it would be the link.
static void by_path(const char* label, const char* how, int folder, const char* at, int follow) {
  TRY_IT("read", openat(folder, at, O_RDONLY | O_CLOEXEC));
  TRY_IT("write", openat(folder, at, O_WRONLY | O_CLOEXEC));
  TRY_IT("make", mkdirat(openat(folder, at, O_PATH | O_DIRECTORY | O_CLOEXEC), "attack", 0755));
  TRY_IT("link", linkat(folder, at, AT_FDCWD, "/tmp/attack-link", AT_SYMLINK_FOLLOW));
  unlink("/tmp/attack-link");
  TRY_IT("mode-fchmodat", fchmodat(folder, at, 0777, 0));
  TRY_IT("mode-fchmodat2", syscall(kFchmodat2, folder, at, 0777, 0));
  TRY_IT("owner-fchownat", fchownat(folder, at, (uid_t)-1, getgid(), 0));
  TRY_IT("times-utimensat", utimensat(folder, at, kNow, 0));
  TRY_IT("times-futimesat", syscall(SYS_futimesat, folder, at, NULL));
  const struct xattr_arguments one = {(uint64_t)(uintptr_t)"y", 1, 0};
  TRY_IT("xattr-setxattrat", syscall(kSetxattrat, folder, at, 0, kAttribute, &one, sizeof one));
  TRY_IT("xattr-removexattrat", allowed(syscall(kRemovexattrat, folder, at, 0, kAttribute)));
  TRY_IT("flags-file_setattr", syscall(kFileSetattr, folder, at, NULL, 0, 0));
  if (follow) return;
  TRY_IT("owner-fchownat-link", fchownat(folder, at, (uid_t)-1, getgid(), AT_SYMLINK_NOFOLLOW));
  TRY_IT("times-utimensat-link", utimensat(folder, at, kNow, AT_SYMLINK_NOFOLLOW));
}

// The calls that take a path alone.
static void by_name(const char* label, const char* how, const char* at, int follow) {
  TRY_IT("mode-chmod", syscall(SYS_chmod, at, 0777));
  TRY_IT("owner-chown", syscall(SYS_chown, at, -1, getgid()));
  TRY_IT("times-utime", syscall(SYS_utime, at, NULL));
  TRY_IT("times-utimes", syscall(SYS_utimes, at, NULL));
  TRY_IT("xattr-setxattr", setxattr(at, kAttribute, "y", 1, 0));
  TRY_IT("xattr-acl", setxattr(at, "system.posix_acl_access", &kAcl, sizeof kAcl, 0));
  TRY_IT("xattr-removexattr", allowed(removexattr(at, kAttribute)));
  TRY_IT("truncate", truncate(at, 0));
  TRY_IT("watch", inotify_add_watch(inotify_init1(IN_CLOEXEC), at, IN_ALL_EVENTS));
  if (follow) return;
  TRY_IT("owner-lchown", syscall(SYS_lchown, at, -1, getgid()));
  TRY_IT("xattr-lsetxattr", lsetxattr(at, kAttribute, "y", 1, 0));
  TRY_IT("xattr-lremovexattr", allowed(lremovexattr(at, kAttribute)));
}

// A descriptor says which file is meant, AT_EMPTY_PATH or the call itself that it is that one.
static void by_descriptor(const char* label, const char* how, int fd) {
  TRY_IT("mode-fchmodat2", syscall(kFchmodat2, fd, "", 0777, AT_EMPTY_PATH));
  TRY_IT("owner-fchownat", fchownat(fd, "", (uid_t)-1, getgid(), AT_EMPTY_PATH));
  TRY_IT("times-utimensat", utimensat(fd, "", kNow, AT_EMPTY_PATH));
  const struct xattr_arguments one = {(uint64_t)(uintptr_t)"y", 1, 0};
  TRY_IT("xattr-setxattrat",
         syscall(kSetxattrat, fd, "", AT_EMPTY_PATH, kAttribute, &one, sizeof one));
  TRY_IT("xattr-removexattrat",
         allowed(syscall(kRemovexattrat, fd, "", AT_EMPTY_PATH, kAttribute)));
  TRY_IT("link", linkat(fd, "", AT_FDCWD, "/tmp/attack-link", AT_EMPTY_PATH));
  unlink("/tmp/attack-link");
  TRY_IT("mode-fchmod", fchmod(fd, 0777));
  TRY_IT("owner-fchown", fchown(fd, (uid_t)-1, getgid()));
  TRY_IT("times-futimens", futimens(fd, kNow));
  TRY_IT("xattr-fsetxattr", fsetxattr(fd, kAttribute, "y", 1, 0));
  TRY_IT("xattr-facl", fsetxattr(fd, "system.posix_acl_access", &kAcl, sizeof kAcl, 0));
  TRY_IT("xattr-fremovexattr", allowed(fremovexattr(fd, kAttribute)));
  long attributes = 0x80;  // FS_NOATIME_FL
  TRY_IT("flags-setflags", ioctl(fd, 0x40086602 /* FS_IOC_SETFLAGS */, &attributes));
  char extended[28] = {0};
  TRY_IT("flags-fssetxattr", ioctl(fd, 0x401c5820 /* FS_IOC_FSSETXATTR */, extended));
}

static long execute(const char* target) {
  int ends[2], err = 0;
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
    execl(target, target, "version", NULL);
    err = errno;
    if (write(ends[1], &err, sizeof err) < 0) _exit(2);
    _exit(1);
  }
  close(ends[1]);
  const ssize_t n = read(ends[0], &err, sizeof err);
  close(ends[0]);
  waitpid(child, NULL, 0);
  return n > 0 ? failed(err) : 0;
}

static void attack(const char* label, const char* target) {
  char linked[64], parent[512], name[512];
  const int place = open(target, O_PATH | O_CLOEXEC);
  by_path(label, "path", AT_FDCWD, target, 0);
  by_name(label, "path", target, 0);
  if (place < 0) return;
  snprintf(linked, sizeof linked, "/proc/self/fd/%d", place);
  by_path(label, "fd", AT_FDCWD, linked, 1);
  by_name(label, "fd", linked, 1);
  snprintf(parent, sizeof parent, "%s", target);
  char* last = strrchr(parent, '/');
  *last++ = 0;
  const int folder = open(*parent ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  by_path(label, "at", folder, last, 0);
  close(folder);
  by_descriptor(label, "place", place);
  close(place);
  const int readable = open(target, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (readable >= 0) by_descriptor(label, "open", readable);
  close(readable);
  snprintf(name, sizeof name, "%s.attack", target);
  say_of("rename", label, rename(target, name));
  say_of("exchange", label,
         syscall(SYS_renameat2, AT_FDCWD, target, AT_FDCWD, "/tmp/attack-mine", 2));
  say_of("execute", label, execute(target));
  say_of("remove", label, remove(target));
}

int main(int argc, char** argv) {
  const int mine = open("/tmp/attack-mine", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  close(mine);
  for (int i = 1; i + 1 < argc; i += 2) attack(argv[i], argv[i + 1]);
  return mine < 0;
}
