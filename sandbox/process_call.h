// SPDX-License-Identifier: Apache-2.0
// Decides: whom a system call that limits or schedules a process means by its number. Pure.
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace podpilot::sandbox {

struct ProcessCall {
  pid_t target = 0;           // of a process or thread
  bool is_affinity = false;   // sched_setaffinity(2), which alone has what follows
  std::uint32_t size = 0;     // of the mask, in bytes
  std::uint64_t address = 0;  // of the mask, the caller's

  bool operator==(const ProcessCall&) const = default;
};

// Nothing for a call that is none of these.
std::optional<ProcessCall> read_process_call(const seccomp_data& data);

}  // namespace podpilot::sandbox
