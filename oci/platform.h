// SPDX-License-Identifier: Apache-2.0
// What an image is made for, and what this machine runs.
#pragma once

#include <string>

namespace podpilot::oci {

struct Platform {
  std::string os;
  std::string architecture;  // Go's names: "amd64", "arm64"
  std::string variant;       // "v7"; often ""

  // This program's own.
  static Platform host();
  // "linux/arm/v7".
  std::string str() const;
  bool operator==(const Platform&) const = default;
};

// How well an image suits `machine`: 0 it does not run, more is better. Aliases (x86_64, aarch64)
// count as Go's names; an arm machine runs the variants below its own; of amd64 only the baseline
// is taken, because the variant of the node is not ours to guess.
int suitability(const Platform& machine, const Platform& image);

}  // namespace podpilot::oci
