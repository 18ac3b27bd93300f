// SPDX-License-Identifier: Apache-2.0
// A buffer that is handed from stage to stage of a pull instead of being copied.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::oci {

struct Block {
  static constexpr std::size_t kCapacity = 256 << 10;

  static Block allocate() { return {std::make_unique_for_overwrite<char[]>(kCapacity), 0}; }
  std::string_view view() const { return {data.get(), size}; }
  char* room() { return data.get() + size; }
  std::size_t room_size() const { return kCapacity - size; }

  std::unique_ptr<char[]> data;
  std::size_t size = 0;
};

// Takes a full block (or the last, shorter one) and gives an empty one for the next bytes.
using BlockSink = std::function<Result<Block>(Block full)>;

}  // namespace podpilot::oci
