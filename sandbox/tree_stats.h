// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace podpilot::sandbox {

struct LayerPath {
  std::string layer;
  std::string path;  // in it; "." is the layer itself
};

// What was made of a tree.
struct TreeStats {
  std::uint64_t folders = 0;
  std::uint64_t linked = 0;
  std::uint64_t copied = 0;
  std::uint64_t copied_bytes = 0;
  std::uint64_t skipped = 0;       // sockets and block devices
  std::vector<LayerPath> changed;  // of layers that the ledger knows: not as they were
};

}  // namespace podpilot::sandbox
