// SPDX-License-Identifier: Apache-2.0
// Where a kubelet reads why a container ended
// (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/).
#pragma once

#include <string_view>

#include "sandbox/base/fd.h"

namespace podpilot::agent {

class TerminationLog {
 public:
  // Opens /dev/termination-log now, while it is the kubelet's: a job's image may put another in its
  // place. Without such a file write() does nothing.
  TerminationLog();

  // Text with its newline, in the place of what was written before; a kubelet shows 4096 bytes.
  void write(std::string_view text) const;

 private:
  UniqueFd file_;
};

}  // namespace podpilot::agent
