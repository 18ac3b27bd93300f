// SPDX-License-Identifier: Apache-2.0
// zstd as a stream in pieces against libzstd's call for whole buffers. The recipe is one of frames
// and skippable frames.
#define ZSTD_STATIC_LINKING_ONLY  // for ZSTD_getFrameHeader
#include <zstd.h>

#include "oci/limits.h"
#include "test/fuzz/fuzz_input.h"
#include "test/fuzz/inflate_difference.h"

using namespace podpilot;
using namespace podpilot::fuzz;

namespace {

std::string frame(FuzzInput& input) {
  const std::string_view seed = input.take(input.below(300));
  std::string bytes;
  for (std::size_t times = input.below(400); times > 0; --times) bytes += seed;
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, input.byte() % 5);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 10 + input.byte() % 15);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, input.byte() % 2);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, input.byte() % 2);
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context, out.data(), out.size(), bytes.data(), bytes.size());
  ZSTD_freeCCtx(context);
  if (ZSTD_isError(size)) std::abort();
  out.resize(size);
  if (input.one_in(16)) out.back() = static_cast<char>(out.back() ^ 1);
  return out;
}

std::string skippable(FuzzInput& input) {
  const auto size = static_cast<std::uint32_t>(input.below(1000));
  std::string out = {static_cast<char>(0x50 | (input.byte() & 15)), 0x2a, 0x4d, 0x18};
  for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(size >> shift);
  return out + std::string(size, 's');
}

std::string generated(FuzzInput& input) {
  std::string out;
  for (std::size_t frames = 1 + input.byte() % 5; frames > 0; --frames)
    out += input.one_in(3) ? skippable(input) : frame(input);
  switch (input.byte() % 6) {
    case 0:
      return out + std::string(input.take(20));
    case 1:
      return out.substr(0, input.below(65536) % (out.size() + 1));
    default:
      return out;
  }
}

// A window above the limit is refused by us alone.
bool wants_large_window(std::string_view stream) {
  while (!stream.empty()) {
    ZSTD_frameHeader header{};
    if (ZSTD_getFrameHeader(&header, stream.data(), stream.size()) != 0) return false;
    if (header.frameType == ZSTD_frame && header.windowSize > oci::kMaxZstdWindow) return true;
    const std::size_t size = ZSTD_findFrameCompressedSize(stream.data(), stream.size());
    if (ZSTD_isError(size)) return false;
    stream.remove_prefix(size);
  }
  return false;
}

std::optional<std::string> by_simple_call(std::string_view stream) {
  std::string out(kMaxOutput, '\0');
  const std::size_t size = ZSTD_decompress(out.data(), out.size(), stream.data(), stream.size());
  if (ZSTD_isError(size)) return std::nullopt;
  out.resize(size);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [as_it_is, piece, stream] = InflateCase(FuzzInput(data, size), generated);
  if (!oci::is_gzip_or_zstd(stream.substr(0, oci::kMagicBytes)) || stream.starts_with("\x1f\x8b"))
    return 0;
  const Result<std::string> ours = fuzz::inflate(stream, piece);
  if (!ours && wants_large_window(stream)) return 0;
  compare(ours, by_simple_call(stream), Laxer::no);
  return 0;
}
