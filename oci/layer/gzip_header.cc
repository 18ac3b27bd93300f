// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/gzip_header.h"

#include <isa-l/crc.h>

#include <array>

namespace podpilot::oci {
namespace {

constexpr std::uint8_t kChecksum = 2, kExtra = 4, kName = 8, kComment = 16;
constexpr std::uint8_t kReserved = 0xe0;
constexpr std::uint32_t kFixedBytes = 10;
constexpr std::uint32_t kFlagsAt = 3;
constexpr std::array<std::uint8_t, 3> kStart = {0x1f, 0x8b, 8};  // the last one is deflate

Error damaged(const char* why) {
  return {Fault::corrupt, std::string("the gzip stream has a damaged header: ") + why};
}

}  // namespace

Result<bool> GzipHeader::take(std::string_view& bytes) {
  while (part_ != Part::done && !bytes.empty()) {
    const auto byte = static_cast<std::uint8_t>(bytes[0]);
    bytes.remove_prefix(1);
    if (part_ != Part::checksum) crc_ = crc32_gzip_refl(crc_, &byte, 1);
    TRY(step(byte));
  }
  return part_ == Part::done;
}

Result<void> GzipHeader::step(std::uint8_t byte) {
  ++at_;
  switch (part_) {
    case Part::fixed:
      return step_fixed(byte);
    case Part::extra_size:
      extra_ |= std::uint32_t{byte} << (8 * (at_ - 1));
      if (at_ == 2) advance();
      return {};
    case Part::extra:
      if (at_ == extra_) advance();
      return {};
    case Part::name:
    case Part::comment:
      if (byte == 0) advance();
      return {};
    case Part::checksum:
      said_ |= std::uint32_t{byte} << (8 * (at_ - 1));
      if (at_ < 2) return {};
      if (said_ != (crc_ & 0xffff)) return damaged("its checksum is wrong");
      advance();
      return {};
    case Part::done:
      break;
  }
  return {};
}

Result<void> GzipHeader::step_fixed(std::uint8_t byte) {
  if (at_ <= kStart.size() && byte != kStart[at_ - 1])
    return damaged(at_ < kStart.size() ? "no gzip member begins so" : "its method is unknown");
  if (at_ == kFlagsAt + 1) {
    flags_ = byte;
    if (flags_ & kReserved) return damaged("it has unknown flags");
  }
  if (at_ == kFixedBytes) advance();
  return {};
}

bool GzipHeader::has(Part part) const {
  switch (part) {
    case Part::extra_size:
      return (flags_ & kExtra) != 0;
    case Part::extra:
      return extra_ > 0;
    case Part::name:
      return (flags_ & kName) != 0;
    case Part::comment:
      return (flags_ & kComment) != 0;
    case Part::checksum:
      return (flags_ & kChecksum) != 0;
    case Part::fixed:
    case Part::done:
      break;
  }
  return true;
}

void GzipHeader::advance() {
  do part_ = static_cast<Part>(static_cast<int>(part_) + 1);
  while (!has(part_));
  at_ = 0;
}

}  // namespace podpilot::oci
