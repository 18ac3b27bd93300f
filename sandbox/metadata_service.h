// SPDX-License-Identifier: Apache-2.0
// Carries out the payload's changes of modes, owners, times and extended attributes where payload
// and pilot share a uid and Landlock, which mediates none of these, is all that stands between
// them. The payload's filter (Filter::metadata) makes the calls wait; here the file is opened as
// the caller's path means it, and changed by that descriptor if it lies in a tree of the job.
#pragma once

#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/caller.h"
#include "sandbox/reach.h"

struct seccomp_notif;

namespace podpilot::sandbox {

// Whether the kernel and the pod allow the filter: tried in a child. seccomp_unotify(2), Linux 5.5;
// a profile or another listener may refuse it.
bool metadata_service_works();

class MetadataService {
 public:
  // `listener` as load_filters() gave it. The trees are those that the payload may write to, as
  // they are now.
  static Result<MetadataService> create(UniqueFd listener, const Reach& reach, bool may_chroot);

  BorrowedFd listener() const { return listener_; }  // POLLIN: serve(); POLLHUP: no payload is left
  // Answers one call. Does not block: what the caller can make slow is opened with O_PATH only.
  void serve();

 private:
  MetadataService() = default;
  int carry_out(const seccomp_notif& request) const;

  UniqueFd listener_;
  CallerWorld world_;
  std::vector<std::string> trees_;
  std::vector<std::uint64_t> request_;  // as large as the kernel's own
  std::vector<std::uint64_t> response_;
};

}  // namespace podpilot::sandbox
