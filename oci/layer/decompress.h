// SPDX-License-Identifier: Apache-2.0
// Layer bytes as served -> tar bytes, streaming. gzip (RFC 1952, any number of members, zero
// padding after the last) by ISA-L, zstd (RFC 8878, any number of frames, skippable ones too) by
// libzstd. The first bytes say which it is, not the media type: registries hold gzip under plain
// types and the other way round, and the diffID decides in the end whether the right bytes came
// out. A zstd window above kFreeZstdWindow is waited for (window_permit.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "oci/layer/block.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class Codec;
class CodecOutput;

// By its first kMagicBytes, or all that there are.
inline constexpr std::size_t kMagicBytes = 4;
bool is_gzip_or_zstd(std::string_view head);

class Decompressor {
 public:
  // `first` is the block to fill, `sink` exchanges each full one; both are the receiver's.
  Decompressor(Block first, BlockSink sink);
  ~Decompressor();

  Result<void> write(std::string_view bytes);
  // Passes the last block on, if there is something in it.
  Result<void> finish();

 private:
  Result<void> choose();

  std::unique_ptr<CodecOutput> output_;
  std::unique_ptr<Codec> codec_;
  std::string head_;  // the first bytes, until the codec is known
};

}  // namespace podpilot::oci
