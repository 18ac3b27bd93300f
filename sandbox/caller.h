// SPDX-License-Identifier: Apache-2.0
// The process whose system call waits for an answer of ours: its memory and what its paths mean.
// The caller is hostile and may be gone or somebody else meanwhile: whoever uses this asks the
// kernel whether the call still waits before it acts on what was read. Nothing here blocks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "sandbox/base/fd.h"

namespace podpilot::sandbox {

// What does not change while callers come and go.
struct CallerWorld {
  bool same_numbers = false;  // /proc counts as this process does
  bool may_chroot = false;    // a caller's root may be another than ours
};
// As this process sees /proc now.
CallerWorld look_at_world(bool may_chroot);

// Functions answer 0 or the errno that the caller gets.
class Caller {
 public:
  // `thread` as this process counts. ESRCH where it is gone.
  static int find(const CallerWorld& world, pid_t thread, Caller& out);

  // Exactly `size` bytes.
  int read(std::uint64_t address, std::size_t size, std::string& out) const;
  // Up to the NUL; `too_long` where there is none within `limit` bytes.
  int read_text(std::uint64_t address, std::size_t limit, int too_long, std::string& out) const;

  // An O_PATH descriptor of the caller's descriptor or working folder (AT_FDCWD).
  int open_descriptor(int descriptor, UniqueFd& out) const;
  // Likewise of what the caller's path means, which begins at `folder` (start_of()). Links below
  // /proc/PID that lead to a file of some process are not followed (ELOOP).
  int open_path(int folder, const std::string& path, bool follow, UniqueFd& out) const;

 private:
  int read_some(std::uint64_t address, std::size_t size, std::string& out) const;

  bool moved_root(UniqueFd& root) const;

  pid_t thread_ = 0;
  bool may_chroot_ = false;
  std::string proc_;  // "/proc/123", as the mounted /proc counts
};

}  // namespace podpilot::sandbox
