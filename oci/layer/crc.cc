// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/crc.h"

#include <isa-l/crc64.h>

namespace podpilot::oci {
namespace {

// Reflected: bit 63 is x^0.
constexpr std::uint64_t kPolynomial = 0xC96C5795D7870F42;
constexpr std::uint64_t kOne = 1ULL << 63;

// a * b modulo the polynomial.
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  for (std::uint64_t bit = kOne; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = (b & 1) ? (b >> 1) ^ kPolynomial : b >> 1;
  }
  return product;
}

// ISA-L takes SSE4.2 for a sign of PCLMULQDQ, which virtual processors of the level x86-64-v2 lack.
auto* choose() {
#ifdef __x86_64__
  if (!__builtin_cpu_supports("pclmul")) return &crc64_ecma_refl_base;
#endif
  return &crc64_ecma_refl;
}
decltype(&crc64_ecma_refl) const kCrc64 = choose();

}  // namespace

void Crc64::update(std::string_view bytes) {
  value_ = kCrc64(value_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

void Crc64::update_zeros(std::uint64_t count) {
  // A zero byte multiplies the register (the CRC without its final inversion) by x^8.
  std::uint64_t power = kOne >> 8;
  std::uint64_t factor = kOne;
  for (; count != 0; count >>= 1) {
    if (count & 1) factor = multiply(factor, power);
    power = multiply(power, power);
  }
  value_ = ~multiply(factor, ~value_);
}

}  // namespace podpilot::oci
