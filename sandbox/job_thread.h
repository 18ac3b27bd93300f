// SPDX-License-Identifier: Apache-2.0
// A thread of the job that somebody named by its number, which can become somebody else's at any
// moment: the kernel has no sched_setaffinity(2) by pidfd. Functions answer 0 or errno.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "sandbox/base/fd.h"

namespace podpilot::sandbox {

// As sched_setaffinity(2) takes it, for as many processors as Linux knows (CONFIG_NR_CPUS, 8192).
inline constexpr std::size_t kMaxCpuMask = 1024;

class JobThread {
 public:
  // EPERM where it is of no process that descends from this one. Of what is not of the job nothing
  // has a parent that ends before it, so the walk up cannot be led astray.
  static int find(pid_t number, JobThread& out);

  // ESRCH where the thread is gone. Who has its number then may have got the mask instead, and
  // what that started meanwhile: all that is not of the job gets this process' own again.
  int set_affinity(std::string_view mask) const;

 private:
  bool is_there() const;

  pid_t number_ = 0;
  UniqueFd folder_;  // /proc/NUMBER, which stays that of this thread
};

}  // namespace podpilot::sandbox
