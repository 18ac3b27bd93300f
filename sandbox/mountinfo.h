// SPDX-License-Identifier: Apache-2.0
// /proc/PID/mountinfo (proc_pid_mountinfo(5)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::sandbox {

struct Mount {
  std::string device;  // "major:minor"
  std::string root;    // what of the filesystem is shown
  std::string point;   // where, from the process' root
  std::string type{};  // of the filesystem
  std::string super_options{};

  bool operator==(const Mount&) const = default;
};

// Lines that are not of the format are left out.
std::vector<Mount> parse_mountinfo(std::string_view text);

// Of the calling process.
Result<std::vector<Mount>> read_mountinfo();

// What is seen at `path`: of several mounts the last, which hides the others. nullptr for none.
const Mount* mount_at(const std::vector<Mount>& mounts, std::string_view path);
// Is `path` itself, or something below it, a mountpoint?
bool holds_mount(const std::vector<Mount>& mounts, std::string_view path);
bool is_mountpoint(const std::vector<Mount>& mounts, std::string_view path);

}  // namespace podpilot::sandbox
