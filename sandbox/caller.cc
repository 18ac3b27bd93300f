// SPDX-License-Identifier: Apache-2.0
#include "sandbox/caller.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/process.h"
#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kMaxStatus = 8192;

int open_at(int folder, const std::string& path, int flags, std::uint64_t resolve, UniqueFd& out) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(O_PATH | O_CLOEXEC | flags);
  how.resolve = resolve;
  constexpr int kTries = 100;  // EAGAIN: a rename raced the walk of ".."
  for (int attempt = 0;; ++attempt) {
    out.reset(static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how)));
    if (out) return 0;
    if (errno != EINTR && (errno != EAGAIN || attempt >= kTries)) return errno;
  }
}

// The last of the numbers is that of the innermost pid namespace.
std::optional<std::uint64_t> innermost_number(const std::string& proc) {
  const Result<std::string> status = read_file(proc + "/status", kMaxStatus);
  constexpr std::string_view kKey = "\nNSpid:";
  const std::size_t at = status ? status->find(kKey) : std::string::npos;
  if (at == std::string::npos) return std::nullopt;
  const std::string_view line =
      std::string_view(*status).substr(at, status->find('\n', at + 1) - at);
  return parse_number(line.substr(line.rfind('\t') + 1));
}

std::string link_target(const std::string& path) {
  std::array<char, 128> target{};
  const ssize_t n = ::readlink(path.c_str(), target.data(), target.size());
  return n > 0 ? std::string(target.data(), static_cast<std::size_t>(n)) : "";
}

// For threads before Linux 6.9, of which there is no pidfd.
std::optional<std::string> search_proc(pid_t thread) {
  const std::string namespace_ = link_target("/proc/self/ns/pid");
  const auto names_in = [](const std::string& folder) {
    const Result<DirFd> fd = open_dir(folder);
    const Result<std::vector<std::string>> names =
        fd ? list_names(*fd) : Result<std::vector<std::string>>(fd.error());
    return names ? *names : std::vector<std::string>{};
  };
  for (const std::string& process : names_in("/proc")) {
    const std::string proc = "/proc/" + process;
    if (!parse_number(process) || link_target(proc + "/ns/pid") != namespace_) continue;
    for (const std::string& task : names_in(proc + "/task"))
      if (innermost_number(proc + "/task/" + task) == static_cast<std::uint64_t>(thread))
        return proc + "/task/" + task;
  }
  return std::nullopt;
}

// The pod's /proc counts other than we do where the job has a pid namespace and no mounts.
std::optional<std::string> place_in_proc(bool same_numbers, pid_t thread) {
  if (same_numbers) return fmt::format("/proc/{}", thread);
  constexpr unsigned kPidfdThread = O_EXCL;  // Linux 6.9
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, thread, 0)));
  if (!pidfd) pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, thread, kPidfdThread)));
  if (!pidfd) return search_proc(thread);
  const Result<pid_t> number = pid_of(pidfd);
  if (!number) return std::nullopt;
  return fmt::format("/proc/{}", *number);
}

bool same_file(BorrowedFd fd, const char* path) {
  struct stat one{};
  struct stat other{};
  return ::fstat(fd.get(), &one) == 0 && ::stat(path, &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

}  // namespace

CallerWorld look_at_world(bool may_chroot) {
  return {.same_numbers = link_target("/proc/self") == fmt::format("{}", ::getpid()),
          .may_chroot = may_chroot};
}

int Caller::find(const CallerWorld& world, pid_t thread, Caller& out) {
  std::optional<std::string> proc = place_in_proc(world.same_numbers, thread);
  if (!proc) return ESRCH;
  out.thread_ = thread;
  out.may_chroot_ = world.may_chroot;
  out.proc_ = *std::move(proc);
  return 0;
}

// Up to the end of the page, so that a text may end just before memory that is not there.
int Caller::read_some(std::uint64_t address, std::size_t size, std::string& out) const {
  const std::size_t wanted = std::min(size, kPage - address % kPage);
  std::array<char, kPage> bytes{};
  iovec local{bytes.data(), wanted};
  iovec remote{reinterpret_cast<void*>(address), wanted};
  ssize_t n = ::process_vm_readv(thread_, &local, 1, &remote, 1, 0);
  if (n < 0 && (errno == EPERM || errno == ENOSYS)) {  // by the pod's seccomp profile
    const UniqueFd memory(::open((proc_ + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
    if (!memory) return errno;
    n = ::pread(memory.get(), bytes.data(), wanted, static_cast<off_t>(address));
  }
  if (n != static_cast<ssize_t>(wanted)) return EFAULT;
  out.append(bytes.data(), wanted);
  return 0;
}

int Caller::read(std::uint64_t address, std::size_t size, std::string& out) const {
  out.clear();
  while (out.size() < size)
    if (const int err = read_some(address + out.size(), size - out.size(), out)) return err;
  return 0;
}

int Caller::read_text(std::uint64_t address, std::size_t limit, int too_long,
                      std::string& out) const {
  out.clear();
  for (std::size_t seen = 0; seen < limit; seen = out.size()) {
    if (const int err = read_some(address + seen, limit - seen, out)) return err;
    const std::size_t end = out.find('\0', seen);
    if (end == std::string::npos) continue;
    out.resize(end);
    return 0;
  }
  return too_long;
}

int Caller::open_descriptor(int descriptor, UniqueFd& out) const {
  if (descriptor < 0 && descriptor != AT_FDCWD) return EBADF;
  const std::string path =
      descriptor == AT_FDCWD ? proc_ + "/cwd" : fmt::format("{}/fd/{}", proc_, descriptor);
  out.reset(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (out) return 0;
  return errno == ENOENT ? EBADF : errno;
}

// Where it cannot be seen it is -1, in which nothing is found.
bool Caller::moved_root(UniqueFd& root) const {
  if (!may_chroot_) return false;
  root.reset(::open((proc_ + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return !root || !same_file(root, "/");
}

int Caller::open_path(int folder, const std::string& path, bool follow, UniqueFd& out) const {
  if (path.empty()) return ENOENT;
  const int flags = follow ? 0 : O_NOFOLLOW;
  UniqueFd root;
  const bool moved = moved_root(root);
  if (path[0] == '/')
    return open_at(moved ? root.get() : AT_FDCWD, path, flags,
                   RESOLVE_NO_MAGICLINKS | (moved ? RESOLVE_IN_ROOT : std::uint64_t{0}), out);
  UniqueFd start;
  if (const int err = open_descriptor(folder, start)) return err;
  const int err =
      open_at(start.get(), path, flags,
              RESOLVE_NO_MAGICLINKS | (moved ? RESOLVE_BENEATH : std::uint64_t{0}), out);
  return err == EXDEV ? EPERM : err;
}

}  // namespace podpilot::sandbox
