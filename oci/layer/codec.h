// SPDX-License-Identifier: Apache-2.0
// What the compression formats have in common: where they put what they inflate, which is also
// where bombs are noticed (limits.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "oci/layer/block.h"

namespace podpilot::oci {

class CodecOutput {
 public:
  CodecOutput(Block first, BlockSink sink);

  // Never without room.
  char* room() { return block_.room(); }
  std::size_t room_size() const { return block_.room_size(); }
  // `count` bytes of input were taken: before the output that they give.
  void consumed(std::size_t count) { in_ += count; }
  // `count` bytes were put at room().
  Result<void> produced(std::size_t count);
  Result<void> flush();

 private:
  Block block_;
  BlockSink sink_;
  std::uint64_t in_ = 0;
  std::uint64_t out_ = 0;
};

class Codec {
 public:
  virtual ~Codec() = default;
  virtual Result<void> write(std::string_view bytes) = 0;
  // Fault::corrupt if the stream does not end here.
  virtual Result<void> finish() = 0;
};

// Null without memory.
std::unique_ptr<Codec> make_gzip_codec(CodecOutput& output);
std::unique_ptr<Codec> make_zstd_codec(CodecOutput& output);

}  // namespace podpilot::oci
