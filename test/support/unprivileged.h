// SPDX-License-Identifier: Apache-2.0
// What claims to be unprivileged is tested so, also where the tests run as root.
#pragma once

#include <sys/types.h>

namespace podpilot::test {

// First line of a test case: `if (rerun_unprivileged()) return;`. As root it runs this very test
// case again in a child with uid and gid 1000, no capabilities, an empty bounding set and
// no_new_privs, and checks that it passed; otherwise it does nothing.
bool rerun_unprivileged();

// Likewise, and inside a pod of the kind named:
enum class Pod {
  // Own user, pid and mount namespace; parts of /proc are masked, /mnt is a full tmpfs,
  // /media/overlay an overlay.
  masked_proc,
  no_pivot_root,  // its seccomp filter answers EPERM to pivot_root(2)
};
bool rerun_in(Pod pod);

// fork(2) whose child is in new namespaces, CLONE_NEW... flags. Not unshare(2), which makes no user
// namespace for a process with threads; ThreadSanitizer's runtime has one.
pid_t fork_into(int namespaces);

// From now on the system call fails with `error`, here and in what is executed, as the profiles of
// container runtimes do it.
bool refuse_call(long number, int error);

}  // namespace podpilot::test
