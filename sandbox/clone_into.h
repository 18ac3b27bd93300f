// SPDX-License-Identifier: Apache-2.0
// fork(2) into namespaces and into a control group.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sandbox/base/fd.h"

namespace podpilot::sandbox {

// clone(2) with these flags and SIGCHLD, for a process of one thread: the child's number and pidfd,
// 0 in the child, -1 and errno. `cgroup`, if given, is the folder of a group of version 2, in which
// the child is when this returns there; where clone3 is refused the caller moves it, which takes
// the kernel some milliseconds more.
long clone_into(std::uint64_t flags, UniqueFd& pidfd, BorrowedFd cgroup);

}  // namespace podpilot::sandbox
