// SPDX-License-Identifier: Apache-2.0
#define ZSTD_STATIC_LINKING_ONLY  // for ZSTD_getFrameHeader; libzstd is linked into the program
#include <zstd.h>
#undef ZSTD_STATIC_LINKING_ONLY
#include <fmt/format.h>
#include <zstd_errors.h>

#include <algorithm>
#include <string>

#include "oci/layer/codec.h"
#include "oci/layer/window_permit.h"
#include "oci/limits.h"

namespace podpilot::oci {
namespace {

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Error failure(std::size_t status) {
  if (ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation)
    return {Fault::exhausted, "no memory for the zstd window"};
  return {Fault::corrupt, fmt::format("the zstd stream is damaged: {}", ZSTD_getErrorName(status))};
}

class Zstd : public Codec {
 public:
  Zstd(CodecOutput& output, ZSTD_DCtx* context) : output_(output), context_(context) {}

  Result<void> write(std::string_view bytes) override {
    output_.consumed(bytes.size());
    while (!bytes.empty()) {
      if (in_frame_)
        TRY(inflate(bytes));
      else
        TRY(begin(bytes));
    }
    return {};
  }

  Result<void> finish() override {
    if (in_frame_ || !head_.empty())
      return Error{Fault::corrupt, "the zstd stream ends in the middle"};
    return {};
  }

 private:
  // Collects a frame's header, which says what window it needs, before libzstd makes room for it.
  Result<void> begin(std::string_view& bytes) {
    for (;;) {
      ZSTD_frameHeader header{};
      const std::size_t wanted = ZSTD_getFrameHeader(&header, head_.data(), head_.size());
      if (ZSTD_isError(wanted)) return failure(wanted);
      if (wanted == 0) {
        TRY(admit(header));
        break;
      }
      if (bytes.empty()) return {};
      const std::size_t count = std::min(wanted - head_.size(), bytes.size());
      head_.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
    }
    in_frame_ = true;
    const std::string head = std::exchange(head_, {});
    std::string_view rest = head;
    return inflate(rest);
  }

  Result<void> admit(const ZSTD_frameHeader& header) {
    if (header.frameType == ZSTD_skippableFrame) return {};
    if (header.windowSize > kMaxZstdWindow)
      return Error{Fault::unsupported,
                   fmt::format("the zstd stream wants a window of {} MiB, above {} MiB",
                               header.windowSize >> 20, kMaxZstdWindow >> 20)};
    // libzstd keeps a buffer that it has until the context goes, and so is the permit kept.
    if (std::min(header.windowSize, header.frameContentSize) > kFreeZstdWindow && !permit_.held())
      permit_ = WindowPermit::wait();
    return {};
  }

  // One frame, as far as `bytes` go; what belongs to the next stays in them.
  Result<void> inflate(std::string_view& bytes) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer out{output_.room(), output_.room_size(), 0};
      const std::size_t status = ZSTD_decompressStream(context_.get(), &out, &in);
      if (ZSTD_isError(status)) return failure(status);
      const bool full = out.pos == out.size;
      in_frame_ = status != 0;  // 0: the frame is complete and flushed
      TRY(output_.produced(out.pos));
      if (!in_frame_ || (in.pos == in.size && !full)) break;
    }
    bytes.remove_prefix(in.pos);
    return {};
  }

  CodecOutput& output_;
  WindowPermit permit_;  // outlives the context
  std::unique_ptr<ZSTD_DCtx, FreeContext> context_;
  std::string head_;  // of a frame whose header is not complete
  bool in_frame_ = false;
};

}  // namespace

std::unique_ptr<Codec> make_zstd_codec(CodecOutput& output) {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  if (!context) return nullptr;
  ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  return std::make_unique<Zstd>(output, context);
}

}  // namespace podpilot::oci
