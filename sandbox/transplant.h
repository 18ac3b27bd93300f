// SPDX-License-Identifier: Apache-2.0
// Shows an image in the pod's own root, for the rungs that mount nothing (layout.h), and takes it
// away again: each step has an inverse that also works where its step was never, or half, done.
#pragma once

#include <sys/types.h>

#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/mountinfo.h"
#include "sandbox/plan.h"

namespace podpilot::sandbox {

class Transplant {
 public:
  // `payload` is the uid as this process would see it: whose traces are to be removed, and if it is
  // a job's own, those of other jobs.
  static Result<Transplant> begin(uid_t payload);

  // Errors name the step.
  Result<void> carry_out(const Step& step);
  Result<void> undo(const Step& step);

 private:
  Transplant(uid_t payload, std::vector<Mount> mounts)
      : payload_(payload), mounts_(std::move(mounts)) {}
  Result<void> entries(const Step& step);
  Result<void> fill(const Step& step);
  Result<void> empty(const Step& step);
  Result<void> show(const Step& step);
  Result<void> purge_ipc() const;
  bool is_jobs(uid_t owner) const;
  bool is_mounted(const Step& step, const std::string& name) const;
  bool is_trace(BorrowedFd folder, const std::string& name, const std::string& links) const;

  uid_t payload_;
  std::vector<Mount> mounts_;  // what is mounted stays
};

}  // namespace podpilot::sandbox
