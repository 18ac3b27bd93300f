// SPDX-License-Identifier: Apache-2.0
// gzip by ISA-L against zlib. The recipe is one of members whose headers have every optional field,
// whose checksums and sizes may lie, with padding, garbage or nothing after them.
#include <zlib.h>

#include "test/fuzz/fuzz_input.h"
#include "test/fuzz/inflate_difference.h"

using namespace podpilot;
using namespace podpilot::fuzz;

namespace {

constexpr unsigned char kHeaderCrc = 2, kExtra = 4, kName = 8, kComment = 16;

void put_number(std::string& out, std::uint32_t value, int bytes) {
  for (; bytes > 0; --bytes, value >>= 8) out += static_cast<char>(value & 0xff);
}

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string deflated(std::string_view bytes, int level, int strategy, bool flushed) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, -15, 8, strategy) != Z_OK) std::abort();
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size() / 2);
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (flushed) deflate(&stream, Z_FULL_FLUSH);
  stream.avail_in += static_cast<uInt>(bytes.size() - bytes.size() / 2);
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) std::abort();
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string header(FuzzInput& input) {
  const int known = input.one_in(16) ? 0xff : 0x1f;
  const auto flags = static_cast<unsigned char>(input.byte() & known);
  std::string out("\x1f\x8b\x08", 3);
  if (input.one_in(32)) out[2] = static_cast<char>(input.byte());
  out += static_cast<char>(flags);
  out += std::string(6, static_cast<char>(input.byte()));
  if (flags & kExtra) {
    const std::string extra(input.below(2000), 'x');
    put_number(out, static_cast<std::uint32_t>(extra.size()), 2);
    out += extra;
  }
  if (flags & kName) out += std::string(input.below(600), 'n') + '\0';
  if (flags & kComment) out += std::string(input.below(600), 'c') + '\0';
  if (flags & kHeaderCrc)
    put_number(out, (crc_of(out) & 0xffff) ^ static_cast<unsigned>(input.one_in(8)), 2);
  return out;
}

// Some bytes, as often as it takes to be worth compressing.
std::string content(FuzzInput& input) {
  const std::string_view seed = input.take(input.below(300));
  std::string out;
  for (std::size_t times = input.below(400); times > 0; --times) out += seed;
  return out;
}

std::string member(FuzzInput& input) {
  const std::string bytes = content(input);
  std::string out = header(input);
  const int level = input.byte() % 10;
  const int strategy = input.byte() % 5;
  out += deflated(bytes, level, strategy, input.one_in(2));
  put_number(out, crc_of(bytes) ^ (input.one_in(16) ? 1U : 0U), 4);
  put_number(out, static_cast<std::uint32_t>(bytes.size()) ^ (input.one_in(16) ? 1U : 0U), 4);
  return out;
}

std::string generated(FuzzInput& input) {
  std::string out;
  for (std::size_t members = 1 + input.byte() % 4; members > 0; --members) out += member(input);
  switch (input.byte() % 8) {
    case 0:
      return out + std::string(input.below(2000), '\0');
    case 1:
      out.append(1 + input.byte() % 8, '\0');
      return out + std::string(input.take(10));
    case 2:
      return out + std::string(input.take(20));
    case 3:
      return out.substr(0, input.below(65536) % (out.size() + 1));
    default:
      return out;
  }
}

// As gzip(1): members one after the other, zeroes after the last.
std::optional<std::string> by_zlib(std::string_view bytes) {
  std::string out;
  while (!bytes.empty() && bytes[0] != '\0') {
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) std::abort();
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    int status = Z_OK;
    while (status == Z_OK && out.size() <= kMaxOutput) {
      const std::size_t before = out.size();
      out.resize(before + (64 << 10));
      stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream.avail_out = 64 << 10;
      status = ::inflate(&stream, Z_NO_FLUSH);
      out.resize(out.size() - stream.avail_out);
    }
    inflateEnd(&stream);
    if (status != Z_STREAM_END) return std::nullopt;
    bytes.remove_prefix(bytes.size() - stream.avail_in);
  }
  if (bytes.find_first_not_of('\0') != std::string_view::npos) return std::nullopt;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [as_it_is, piece, stream] = InflateCase(FuzzInput(data, size), generated);
  if (!stream.starts_with("\x1f\x8b")) return 0;
  compare(fuzz::inflate(stream, piece), by_zlib(stream), as_it_is ? Laxer::allowed : Laxer::no);
  return 0;
}
