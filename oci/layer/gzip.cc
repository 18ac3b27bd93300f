// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <isa-l/igzip_lib.h>

#include "oci/layer/codec.h"
#include "oci/layer/gzip_header.h"

namespace podpilot::oci {
namespace {

class Gzip : public Codec {
 public:
  explicit Gzip(CodecOutput& output)
      : output_(output), state_(std::make_unique_for_overwrite<inflate_state>()) {
    isal_inflate_init(state_.get());
  }

  Result<void> write(std::string_view bytes) override {
    output_.consumed(bytes.size());
    while (!bytes.empty()) {
      if (where_ == Where::member)
        TRY(inflate(bytes));
      else if (where_ == Where::header)
        TRY(begin(bytes));
      else
        TRY(between_members(bytes));
    }
    return {};
  }

  Result<void> finish() override {
    if (where_ == Where::member || where_ == Where::header)
      return Error{Fault::corrupt, "the gzip stream ends in the middle"};
    return {};
  }

 private:
  enum class Where { between, header, member, padding };

  Result<void> between_members(std::string_view& bytes) {
    const auto byte = static_cast<unsigned char>(bytes[0]);
    if (where_ == Where::between && byte == 0x1f) {
      header_ = GzipHeader();
      where_ = Where::header;
      return {};
    }
    if (byte != 0) return Error{Fault::corrupt, "garbage after the end of the gzip stream"};
    where_ = Where::padding;
    bytes.remove_prefix(std::min(bytes.find_first_not_of('\0'), bytes.size()));
    return {};
  }

  Result<void> begin(std::string_view& bytes) {
    const bool complete = TRY(header_.take(bytes));
    if (!complete) return {};
    isal_inflate_reset(state_.get());
    state_->crc_flag = ISAL_GZIP_NO_HDR_VER;  // the header is read, the trailer is not
    where_ = Where::member;
    return {};
  }

  // One member, as far as `bytes` go; what belongs to the next stays in them.
  Result<void> inflate(std::string_view& bytes) {
    constexpr std::size_t kStep = 1 << 30;  // avail_in is 32 bits wide
    const auto size = static_cast<std::uint32_t>(std::min(bytes.size(), kStep));
    state_->next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
    state_->avail_in = size;
    for (;;) {
      const auto room = static_cast<std::uint32_t>(output_.room_size());
      state_->next_out = reinterpret_cast<std::uint8_t*>(output_.room());
      state_->avail_out = room;
      const int status = isal_inflate(state_.get());
      if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT && status != ISAL_OUT_OVERFLOW)
        return failure(status);
      const bool full = state_->avail_out == 0;
      TRY(output_.produced(room - state_->avail_out));
      if (state_->block_state == ISAL_BLOCK_FINISH) {
        where_ = Where::between;
        break;
      }
      if (state_->avail_in == 0 && !full) break;
    }
    bytes.remove_prefix(size - state_->avail_in);
    return {};
  }

  static Error failure(int status) {
    if (status == ISAL_INCORRECT_CHECKSUM)
      return {Fault::corrupt, "the gzip stream has a wrong checksum"};
    return {Fault::corrupt, fmt::format("the gzip stream is damaged (ISA-L {})", status)};
  }

  CodecOutput& output_;
  std::unique_ptr<inflate_state> state_;
  GzipHeader header_;
  Where where_ = Where::between;
};

}  // namespace

std::unique_ptr<Codec> make_gzip_codec(CodecOutput& output) {
  return std::make_unique<Gzip>(output);
}

}  // namespace podpilot::oci
