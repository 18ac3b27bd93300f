// SPDX-License-Identifier: Apache-2.0
// Takes a fuzzer's bytes as choices; a generator that asks for more than there are gets zeroes. Two
// choices in one expression would mean other things to g++ and clang: each gets a statement.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace podpilot::fuzz {

class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : bytes_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    const std::string_view one = take(1);
    return one.empty() ? 0 : static_cast<std::uint8_t>(one[0]);
  }
  // Below `limit`, which is at most 65536.
  std::size_t below(std::size_t limit) {
    const unsigned high = byte();
    return (high << 8U | byte()) % limit;
  }
  bool one_in(std::size_t times) { return byte() % times == times - 1; }
  std::string_view take(std::size_t count) {
    const std::string_view taken = bytes_.substr(0, std::min(count, bytes_.size()));
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view rest() { return take(bytes_.size()); }

 private:
  std::string_view bytes_;
};

}  // namespace podpilot::fuzz
