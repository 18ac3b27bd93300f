// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "oci/layer/codec.h"
#include "oci/limits.h"

namespace podpilot::oci {
namespace {

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class Zstd : public Codec {
 public:
  Zstd(CodecOutput& output, ZSTD_DCtx* context) : output_(output), context_(context) {}

  Result<void> write(std::string_view bytes) override {
    if (bytes.empty()) return {};
    output_.consumed(bytes.size());
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{output_.room(), output_.room_size(), 0};
      const std::size_t status = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(status)) return failure(status);
      const bool full = out.pos == out.size;
      frame_open_ = status != 0;  // 0: the frame is complete and flushed
      TRY(output_.produced(out.pos));
      if (in.pos == in.size && !(full && frame_open_)) return {};
    }
  }

  Result<void> finish() override {
    if (frame_open_) return Error{Fault::corrupt, "the zstd stream ends in the middle"};
    return {};
  }

 private:
  static Error failure(std::size_t status) {
    if (ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge)
      return {Fault::unsupported, fmt::format("the zstd stream wants a window above {} MiB",
                                              (1ULL << kMaxZstdWindowLog) >> 20)};
    if (ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation)
      return {Fault::exhausted, "no memory for the zstd window"};
    return {Fault::corrupt,
            fmt::format("the zstd stream is damaged: {}", ZSTD_getErrorName(status))};
  }

  CodecOutput& output_;
  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  bool frame_open_ = false;
};

}  // namespace

std::unique_ptr<Codec> make_zstd_codec(CodecOutput& output) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  if (!context) return nullptr;
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  return std::make_unique<Zstd>(output, context);
}

}  // namespace podpilot::oci
