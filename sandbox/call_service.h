// SPDX-License-Identifier: Apache-2.0
// Carries out calls of the payload that Landlock does not mediate, where payload and pilot share a
// uid and nothing else stands between them. The payload's filter (Filter::metadata, supervised)
// makes them wait; here is looked what each is aimed at. Nothing that memory of the payload's says
// goes on as it was, so nothing can be swapped between the look and the call.
#pragma once

#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/caller.h"
#include "sandbox/reach.h"

struct seccomp_notif;
struct seccomp_notif_resp;

namespace podpilot::sandbox {

struct ProcessCall;

// Whether the kernel and the pod allow the filters: tried in a child. seccomp_unotify(2), Linux
// 5.5; a profile or another listener may refuse it.
bool call_service_works();

class CallService {
 public:
  // `listener` as load_filters() gave it. The trees are those that the payload may write to, as
  // they are now.
  static Result<CallService> create(UniqueFd listener, const Reach& reach, bool may_chroot);

  BorrowedFd listener() const { return listener_; }  // POLLIN: serve(); POLLHUP: no payload is left
  // Answers one call. Does not block: what the caller can make slow is opened with O_PATH only.
  void serve();

 private:
  CallService() = default;
  void answer(const seccomp_notif& request, seccomp_notif_resp& response) const;
  // Modes, owners, times and extended attributes of files in the trees. 0 or errno, as below.
  int change_metadata(const seccomp_notif& request) const;
  // The processors of a thread of the job's.
  int set_affinity(const seccomp_notif& request, const ProcessCall& call) const;
  bool still_waits(const seccomp_notif& request) const;

  UniqueFd listener_;
  CallerWorld world_;
  std::vector<std::string> trees_;
  std::vector<std::uint64_t> request_;  // as large as the kernel's own
  std::vector<std::uint64_t> response_;
};

}  // namespace podpilot::sandbox
