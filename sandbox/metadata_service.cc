// SPDX-License-Identifier: Apache-2.0
#include "sandbox/metadata_service.h"

#include <linux/limits.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/caller.h"
#include "sandbox/metadata_call.h"
#include "sandbox/seccomp/filter.h"

namespace podpilot::sandbox {
namespace {

// linux/seccomp.h: SECCOMP_IOCTL_NOTIF_SET_FLAGS and SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP.
constexpr unsigned long kSetFlags = _IOW('!', 4, std::uint64_t);
constexpr unsigned long kSyncWakeUp = 1;

// What the call points at, out of the caller's memory.
struct Operands {
  std::string path;
  std::string name;
  std::string value;
  Times times;
};

std::string shown_place(BorrowedFd fd) {
  std::array<char, PATH_MAX> target{};
  const ssize_t n = ::readlink(fd_path(fd).c_str(), target.data(), target.size());
  return n > 0 ? std::string(target.data(), static_cast<std::size_t>(n)) : "";
}

int read_operands(const Caller& caller, const MetadataCall& call, Operands& out) {
  if (call.by_path)
    if (const int err = caller.read_text(call.path, PATH_MAX, ENAMETOOLONG, out.path)) return err;
  switch (call.change) {
    case Change::mode:
    case Change::owner:
      return 0;
    case Change::times: {
      out.times = {{0, UTIME_NOW}, {0, UTIME_NOW}};
      if (call.data == 0) return 0;
      std::string bytes;
      if (const int err = caller.read(call.data, size_of_times(call.format), bytes)) return err;
      const std::optional<Times> times = read_times(call.format, bytes);
      if (!times) return EINVAL;
      out.times = *times;
      return 0;
    }
    case Change::set_attribute:
      if (call.size > XATTR_SIZE_MAX) return E2BIG;
      if (const int err = caller.read(call.value, call.size, out.value)) return err;
      [[fallthrough]];
    case Change::remove_attribute:
      return caller.read_text(call.data, XATTR_NAME_MAX + 1, ERANGE, out.name);
  }
  return EINVAL;
}

int open_target(const Caller& caller, const MetadataCall& call, const std::string& path,
                UniqueFd& out) {
  if (!call.by_path) return caller.open_descriptor(call.folder, out);
  if (path.empty() && !call.may_be_empty) return ENOENT;
  const Start start = start_of(call.folder, path);
  if (start.path.empty()) return caller.open_descriptor(start.folder, out);
  return caller.open_path(start.folder, start.path, call.follow, out);
}

// By /proc/self/fd, which leads to the opened file itself, be it a symlink.
int change(BorrowedFd file, const MetadataCall& call, const Operands& operands) {
  const std::string at = fd_path(file);
  int done = -1;
  switch (call.change) {
    case Change::mode:
      done = ::chmod(at.c_str(), call.first & 07777);
      break;
    case Change::owner:
      done = ::fchownat(file.get(), "", call.first, call.second, AT_EMPTY_PATH);
      break;
    case Change::times: {
      const timespec times[] = {operands.times.access, operands.times.change};
      done = ::utimensat(AT_FDCWD, at.c_str(), times, 0);
      break;
    }
    case Change::set_attribute:
      done = ::setxattr(at.c_str(), operands.name.c_str(), operands.value.data(),
                        operands.value.size(), call.flags);
      break;
    case Change::remove_attribute:
      done = ::removexattr(at.c_str(), operands.name.c_str());
      break;
  }
  return done == 0 ? 0 : errno;
}

// As a filesystem that has no attributes answers, which archivers put up with.
int refusal(Change change) {
  return change == Change::set_attribute || change == Change::remove_attribute ? EOPNOTSUPP : EPERM;
}

std::vector<std::uint64_t> words_for(std::size_t bytes) {
  return std::vector<std::uint64_t>((bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
}

}  // namespace

bool metadata_service_works() {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr std::array kOne = {Filter::metadata};
    const bool works = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && load_filters(kOne);
    ::_exit(works ? 0 : 1);
  }
  int status = 1;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && status == 0;
}

Result<MetadataService> MetadataService::create(UniqueFd listener, const Reach& reach,
                                                bool may_chroot) {
  MetadataService service;
  service.world_ = look_at_world(may_chroot);
  service.listener_ = std::move(listener);
  // Caller and service take turns on one processor (Linux 6.6); it is as well without.
  ::ioctl(service.listener_.get(), kSetFlags, kSyncWakeUp);
  seccomp_notif_sizes sizes{};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0)
    return sys_error("SECCOMP_GET_NOTIF_SIZES");
  service.request_ = words_for(std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)));
  service.response_ =
      words_for(std::max<std::size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
  for (const std::string& tree : reach.write) {
    const UniqueFd place(::open(tree.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW));
    struct stat st{};
    // As Landlock's rules: what is not there and links are skipped.
    if (!place || ::fstat(place.get(), &st) != 0 || S_ISLNK(st.st_mode)) continue;
    std::string shown = shown_place(place);
    if (shown.size() > 1) service.trees_.push_back(std::move(shown));
  }
  return service;
}

int MetadataService::carry_out(const seccomp_notif& request) const {
  const std::optional<MetadataCall> call = read_call(request.data);
  if (!call) return EINVAL;
  Caller caller;
  if (const int err = Caller::find(world_, static_cast<pid_t>(request.pid), caller)) return err;
  Operands operands;
  if (const int err = read_operands(caller, *call, operands)) return err;
  UniqueFd file;
  if (const int err = open_target(caller, *call, operands.path, file)) return err;
  // All that was read came from the caller only if it still waits (seccomp_unotify(2)).
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id) != 0) return ESRCH;
  if (!may_change(shown_place(file), trees_)) return refusal(call->change);
  return change(file, *call, operands);
}

void MetadataService::serve() {
  std::ranges::fill(request_, 0);  // the kernel insists
  std::ranges::fill(response_, 0);
  auto* request = reinterpret_cast<seccomp_notif*>(request_.data());
  auto* response = reinterpret_cast<seccomp_notif_resp*>(response_.data());
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, request) != 0) return;
  response->id = request->id;
  response->error = -carry_out(*request);
  // Nobody may be waiting any more.
  [[maybe_unused]] const int sent = ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, response);
}

}  // namespace podpilot::sandbox
