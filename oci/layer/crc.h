// SPDX-License-Identifier: Apache-2.0
// CRC-64 (ECMA-182, reflected, as xz has it) of file contents: finds bit rot in a stored layer at
// several GB/s. It proves nothing against an attacker; that is what sha256 did at pull time.
#pragma once

#include <cstdint>
#include <string_view>

namespace podpilot::oci {

class Crc64 {
 public:
  void update(std::string_view bytes);
  // As update() with `count` zero bytes, in time that does not grow with a hole's size.
  void update_zeros(std::uint64_t count);
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

}  // namespace podpilot::oci
