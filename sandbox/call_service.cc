// SPDX-License-Identifier: Apache-2.0
#include "sandbox/call_service.h"

#include <linux/limits.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/caller.h"
#include "sandbox/job_thread.h"
#include "sandbox/metadata_call.h"
#include "sandbox/metadata_change.h"
#include "sandbox/process_call.h"
#include "sandbox/seccomp/filter.h"

namespace podpilot::sandbox {
namespace {

// linux/seccomp.h: SECCOMP_IOCTL_NOTIF_SET_FLAGS and SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP.
constexpr unsigned long kSetFlags = _IOW('!', 4, std::uint64_t);
constexpr unsigned long kSyncWakeUp = 1;

std::string shown_place(BorrowedFd fd) {
  std::array<char, PATH_MAX> target{};
  const ssize_t n = ::readlink(fd_path(fd).c_str(), target.data(), target.size());
  return n > 0 ? std::string(target.data(), static_cast<std::size_t>(n)) : "";
}

std::vector<std::uint64_t> words_for(std::size_t bytes) {
  return std::vector<std::uint64_t>((bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
}

}  // namespace

bool call_service_works() {
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr std::array kOne = {Filter::supervised};
    const bool works = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && load_filters(kOne);
    ::_exit(works ? 0 : 1);
  }
  int status = 1;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && status == 0;
}

Result<CallService> CallService::create(UniqueFd listener, const Reach& reach, bool may_chroot) {
  CallService service;
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

bool CallService::still_waits(const seccomp_notif& request) const {
  return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &request.id) == 0;
}

int CallService::change_metadata(const seccomp_notif& request) const {
  const std::optional<MetadataCall> call = read_call(request.data);
  if (!call) return EINVAL;
  Caller caller;
  if (const int err = Caller::find(world_, static_cast<pid_t>(request.pid), caller)) return err;
  Operands operands;
  if (const int err = read_operands(caller, *call, operands)) return err;
  UniqueFd file;
  if (const int err = open_target(caller, *call, operands.path, file)) return err;
  // All that was read came from the caller only if it still waits (seccomp_unotify(2)).
  if (!still_waits(request)) return ESRCH;
  if (!may_change(shown_place(file), trees_)) return refusal(call->change);
  return change(file, *call, operands);
}

int CallService::set_affinity(const seccomp_notif& request, const ProcessCall& call) const {
  Caller caller;
  if (const int err = Caller::find(world_, static_cast<pid_t>(request.pid), caller)) return err;
  std::string mask;
  const std::size_t size = std::min<std::size_t>(call.size, kMaxCpuMask);
  if (const int err = caller.read(call.address, size, mask)) return err;
  JobThread thread;
  if (const int err = JobThread::find(call.target, thread)) return err;
  if (!still_waits(request)) return ESRCH;
  return thread.set_affinity(mask);
}

void CallService::answer(const seccomp_notif& request, seccomp_notif_resp& response) const {
  const std::optional<ProcessCall> call = read_process_call(request.data);
  if (!call) {
    response.error = -change_metadata(request);
  } else if (call->target == static_cast<pid_t>(request.pid)) {
    // Itself by its number, which is its own as long as it can make the call, and a register.
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  } else {
    response.error = -(call->is_affinity ? set_affinity(request, *call) : EPERM);
  }
}

void CallService::serve() {
  std::ranges::fill(request_, 0);  // the kernel insists
  std::ranges::fill(response_, 0);
  auto* request = reinterpret_cast<seccomp_notif*>(request_.data());
  auto* response = reinterpret_cast<seccomp_notif_resp*>(response_.data());
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, request) != 0) return;
  response->id = request->id;
  answer(*request, *response);
  // Nobody may be waiting any more.
  [[maybe_unused]] const int sent = ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, response);
}

}  // namespace podpilot::sandbox
