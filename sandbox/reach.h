// SPDX-License-Identifier: Apache-2.0
// What Landlock leaves to a payload that shares the pod's root. Paths that are not there are
// skipped, and symlinks: an image's /opt may be a link to the pod's secrets.
#pragma once

#include <string>
#include <vector>

namespace podpilot::sandbox {

struct Reach {
  std::vector<std::string> read;     // and execute
  std::vector<std::string> write;    // likewise, and all changes
  std::vector<std::string> devices;  // read, write and ioctl

  bool empty() const { return read.empty() && write.empty() && devices.empty(); }
  bool operator==(const Reach&) const = default;
};

}  // namespace podpilot::sandbox
