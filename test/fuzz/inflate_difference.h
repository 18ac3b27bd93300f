// SPDX-License-Identifier: Apache-2.0
// What podpilot's decompressor says of a stream, to be held against another reader of the format.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "oci/layer/block.h"
#include "oci/layer/decompress.h"
#include "test/fuzz/fuzz_input.h"

namespace podpilot::fuzz {

// The largest output that is compared: generators stay below it.
inline constexpr std::size_t kMaxOutput = 8 << 20;

// A fuzzer's choice: of an odd first byte a stream as it is, of an even one a generator's recipe
// for one, to be inflated in pieces of `piece` bytes.
struct InflateCase {
  bool as_it_is;
  std::size_t piece;
  std::string stream;

  InflateCase(FuzzInput input, std::string (*generate)(FuzzInput&))
      : as_it_is((input.byte() & 1) != 0),
        piece(1 + input.below(5000)),
        stream(as_it_is ? std::string(input.rest()) : generate(input)) {}
};

// In pieces of `piece` bytes.
inline Result<std::string> inflate(std::string_view bytes, std::size_t piece) {
  std::string out;
  oci::Decompressor inflater(oci::Block::allocate(), [&out](oci::Block full) -> Result<oci::Block> {
    out += full.view();
    if (out.size() > kMaxOutput) return Error{Fault::exhausted, "more than is compared"};
    full.size = 0;
    return full;
  });
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
    TRY(inflater.write(bytes.substr(0, piece)));
  TRY(inflater.finish());
  return out;
}

[[noreturn]] inline void differ(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

// `other` is nothing where the other reader refuses the stream. That we take what it refuses is
// allowed for what no compressor writes: the digest decides then.
enum class Laxer { allowed, no };
inline void compare(const Result<std::string>& ours, const std::optional<std::string>& other,
                    Laxer laxer) {
  if (!ours && ours.error().fault == Fault::exhausted) return;
  if (!ours && other) differ("refused, but should not be: " + ours.error().text);
  if (ours && other && *ours != *other) differ("inflates to other bytes");
  if (ours && !other && laxer == Laxer::no) differ("taken, but should not be");
}

}  // namespace podpilot::fuzz
