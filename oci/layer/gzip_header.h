// SPDX-License-Identifier: Apache-2.0
// The header of a gzip member (RFC 1952 section 2.3), in pieces of any size. ISA-L's own reader
// (2.30) refuses every header that has a checksum.
#pragma once

#include <cstdint>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::oci {

class GzipHeader {
 public:
  // Takes what belongs to the header off `bytes`. False: all of them did, and more is to come.
  Result<bool> take(std::string_view& bytes);

 private:
  // In the order of the format; those that the flags do not name are left out.
  enum class Part { fixed, extra_size, extra, name, comment, checksum, done };

  Result<void> step(std::uint8_t byte);
  Result<void> step_fixed(std::uint8_t byte);
  bool has(Part part) const;
  void advance();

  Part part_ = Part::fixed;
  std::uint32_t at_ = 0;  // bytes of this part so far
  std::uint8_t flags_ = 0;
  std::uint32_t extra_ = 0;  // bytes
  std::uint32_t crc_ = 0;    // of all before the checksum
  std::uint32_t said_ = 0;   // the checksum
};

}  // namespace podpilot::oci
