// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/decompress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "oci/layer/codec.h"
#include "oci/limits.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

bool is_gzip(std::string_view head) {
  return head.starts_with("\x1f\x8b");
}

bool is_zstd(std::string_view head) {
  if (head.starts_with("\x28\xb5\x2f\xfd")) return true;
  // A skippable frame: 0x184D2A50 to 0x184D2A5F, little-endian (RFC 8878 section 3.1.2).
  return head.size() >= kMagicBytes && (static_cast<unsigned char>(head[0]) & 0xF0) == 0x50 &&
         head.substr(1).starts_with("\x2a\x4d\x18");
}

class Plain : public Codec {
 public:
  explicit Plain(CodecOutput& output) : output_(output) {}
  Result<void> write(std::string_view bytes) override {
    output_.consumed(bytes.size());
    while (!bytes.empty()) {
      const std::size_t n = std::min(bytes.size(), output_.room_size());
      std::memcpy(output_.room(), bytes.data(), n);
      TRY(output_.produced(n));
      bytes.remove_prefix(n);
    }
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  CodecOutput& output_;
};

}  // namespace

CodecOutput::CodecOutput(Block first, BlockSink sink)
    : block_(std::move(first)), sink_(std::move(sink)) {}

Result<void> CodecOutput::produced(std::size_t count) {
  block_.size += count;
  out_ += count;
  if (out_ > kMaxLayerBytes)
    return Error{Fault::invalid,
                 fmt::format("larger than {} unpacked", human_bytes(kMaxLayerBytes))};
  if (out_ > kInflateAllowance && (out_ - kInflateAllowance) / kMaxInflateRatio > in_)
    return Error{Fault::invalid,
                 fmt::format("inflates {} to more than {}: refused as a decompression bomb",
                             human_bytes(in_), human_bytes(out_))};
  return room_size() == 0 ? flush() : Result<void>();
}

Result<void> CodecOutput::flush() {
  if (block_.size == 0) return {};
  block_ = TRY(sink_(std::move(block_)));
  return {};
}

bool is_gzip_or_zstd(std::string_view head) {
  return is_gzip(head) || is_zstd(head);
}

Decompressor::Decompressor(Block first, BlockSink sink)
    : output_(std::make_unique<CodecOutput>(std::move(first), std::move(sink))) {}
Decompressor::~Decompressor() = default;

Result<void> Decompressor::choose() {
  if (is_gzip(head_))
    codec_ = make_gzip_codec(*output_);
  else if (is_zstd(head_))
    codec_ = make_zstd_codec(*output_);
  else
    codec_ = std::make_unique<Plain>(*output_);
  if (!codec_) return Error{Fault::exhausted, "no memory for a decompressor"};
  return codec_->write(head_);
}

Result<void> Decompressor::write(std::string_view bytes) {
  if (!codec_) {
    const std::size_t n = std::min(bytes.size(), kMagicBytes - head_.size());
    head_.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    if (head_.size() < kMagicBytes) return {};
    TRY(choose());
  }
  return codec_->write(bytes);
}

Result<void> Decompressor::finish() {
  if (!codec_) TRY(choose());
  TRY(codec_->finish());
  return output_->flush();
}

}  // namespace podpilot::oci
