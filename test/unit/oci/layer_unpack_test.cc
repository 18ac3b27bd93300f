// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <zlib.h>
#include <zstd.h>

#include <chrono>
#include <future>
#include <optional>
#include <random>

#include "oci/layer/block.h"
#include "oci/layer/crc.h"
#include "oci/layer/decompress.h"
#include "oci/layer/unpack.h"
#include "oci/store/stored_layer.h"
#include "test/catch.h"
#include "test/support/layer_fixture.h"
#include "test/support/tar_builder.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::test;

namespace {

Result<std::string> inflate(std::string_view bytes, std::size_t piece) {
  std::string out;
  oci::Decompressor inflater(oci::Block::allocate(), [&out](oci::Block full) -> Result<oci::Block> {
    out += full.view();
    full.size = 0;
    return full;
  });
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    TRY(inflater.write(bytes.substr(at, piece)));
  TRY(inflater.finish());
  return out;
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>("abcdefghijklmnop"[random() % 16]);
  return bytes;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("plain, gzip and zstd come out the same in pieces of any size", "[oci][layer]") {
  const std::string text = noise(700'000, 1);
  const auto piece = GENERATE(as<std::size_t>(), 1, 7, 4096, 300'000, 10'000'000);
  CHECK(inflate(text, piece).value_or("") == text);
  CHECK(inflate(gzip(text), piece).value_or("") == text);
  CHECK(inflate(zstd(text), piece).value_or("") == text);
  CHECK(inflate("", piece).value_or("?") == "");
  CHECK(inflate("ab", piece).value_or("?") == "ab");
}

TEST_CASE("gzip members and zstd frames follow each other", "[oci][layer]") {
  const std::string a = noise(300'000, 2);
  const std::string b = noise(10, 3);
  const auto piece = GENERATE(as<std::size_t>(), 1, 1000, 1'000'000);
  CHECK(inflate(gzip(a) + gzip("") + gzip(b), piece).value_or("") == a + b);
  CHECK(inflate(gzip(a) + std::string(700, '\0'), piece).value_or("") == a);
  const std::string skippable("\x50\x2a\x4d\x18\3\0\0\0abc", 11);
  CHECK(inflate(skippable + zstd(a) + skippable + zstd(b), piece).value_or("") == a + b);
}

// A member with every optional field that `flags` names (RFC 1952 section 2.3.1).
std::string with_header(unsigned flags, const std::string& text) {
  std::string header("\x1f\x8b\x08", 3);
  header += static_cast<char>(flags) + std::string(6, '\0');
  if (flags & 4) header += std::string("\3\0abc", 5);
  if (flags & 8) header += std::string("name\0", 5);
  if (flags & 16) header += std::string("a comment\0", 10);
  if (flags & 2) {
    const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(header.data()), header.size());
    header += {static_cast<char>(sum & 0xff), static_cast<char>(sum >> 8 & 0xff)};
  }
  return header + gzip(text).substr(10);
}

TEST_CASE("gzip headers with optional fields are read in pieces of any size", "[oci][layer]") {
  const std::string text = noise(1000, 8);
  const auto piece = GENERATE(as<std::size_t>(), 1, 3, 10, 100'000);
  for (unsigned flags = 0; flags < 32; ++flags) {
    CAPTURE(flags, piece);
    const std::string member = with_header(flags, text);
    CHECK(inflate(member + member, piece).value_or("") == text + text);
  }
}

TEST_CASE("gzip headers that are damaged are corrupt", "[oci][layer]") {
  const std::string text = noise(1000, 8);
  const auto told = [&](std::string member, std::size_t at, int flip) {
    member[at] = static_cast<char>(member[at] ^ flip);
    const Result<std::string> result = inflate(gzip(text) + member, 7);
    return result ? "" : result.error().text;
  };
  CHECK(contains(told(with_header(0, text), 1, 1), "no gzip member begins so"));
  CHECK(contains(told(with_header(0, text), 2, 1), "its method is unknown"));
  CHECK(contains(told(with_header(0, text), 3, 0x20), "it has unknown flags"));
  CHECK(contains(told(with_header(2, text), 10, 1), "its checksum is wrong"));
  CHECK(contains(told(with_header(14, text), 13, 1), "its checksum is wrong"));
  CHECK(contains(error_of(inflate(with_header(8, text).substr(0, 12), 5)).text, "the middle"));
}

TEST_CASE("streams that are cut, damaged or followed by garbage are corrupt", "[oci][layer]") {
  const std::string text = noise(200'000, 4);
  for (const std::string& whole : {gzip(text), zstd(text)}) {
    for (const std::size_t cut : {whole.size() - 1, whole.size() / 2, std::size_t{11}})
      CHECK(error_of(inflate(whole.substr(0, cut), 1000)).fault == Fault::corrupt);
    CHECK(error_of(inflate(whole + "garbage", 1000)).fault == Fault::corrupt);
    std::string damaged = whole;
    damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
    const Result<std::string> result = inflate(damaged, 1000);
    // zstd's frames here have no checksum: what comes out is the diffID's to judge.
    CHECK((!result || *result != text));
  }
  std::string wrong_sum = gzip(text);
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  CHECK(error_of(inflate(wrong_sum, 1000)).text.find("checksum") != std::string::npos);
}

TEST_CASE("decompression bombs are refused", "[oci][layer][hostile]") {
  const std::string zeros(200 << 20, '\0');
  const Result<std::string> bomb = inflate(zstd(zeros, 19), 1 << 20);
  REQUIRE_FALSE(bomb);
  CHECK(contains(bomb.error().text, "bomb"));
  const std::string once = gzip(std::string(30 << 20, '\0'));
  // deflate alone cannot exceed the ratio; a gzip of a gzip is data.
  CHECK(inflate(once, 1 << 20));
  // A window of 2 GiB: magic, single-segment off, window descriptor 0xA8 (exponent 21).
  const std::string window("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9);
  CHECK(contains(error_of(inflate(window, 100)).text, "window"));
}

// One frame that says what window it needs and not how long it is.
std::string zstd_with_window(const std::string& text, int log) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, log);
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  // The first call does not know that it is all, and keeps the window.
  REQUIRE_FALSE(ZSTD_isError(ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue)));
  REQUIRE(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) == 0);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

TEST_CASE("a zstd window above 128 MiB is refused by its size", "[oci][layer]") {
  const std::string text = noise(1000, 9);
  CHECK(inflate(zstd_with_window(text, 27), 7).value_or("") == text);
  CHECK(error_of(inflate(zstd_with_window(text, 28), 7)).text ==
        "the zstd stream wants a window of 256 MiB, above 128 MiB");
  // In any of several frames.
  CHECK(contains(error_of(inflate(zstd(text) + zstd_with_window(text, 29), 100)).text, "512 MiB"));
}

TEST_CASE("layers with zstd windows above 8 MiB take turns, others do not wait", "[oci][layer]") {
  const std::string text = noise(300'000, 10);
  const std::string large = zstd_with_window(text, 24);
  std::optional<oci::Decompressor> first;
  first.emplace(oci::Block::allocate(), [](oci::Block full) -> Result<oci::Block> {
    full.size = 0;
    return full;
  });
  REQUIRE(first->write(large.substr(0, 1000)));
  // Each has what it needs from its header on, and to its end.
  std::future<Result<std::string>> second =
      std::async(std::launch::async, [&] { return inflate(large, 1000); });
  CHECK(inflate(zstd_with_window(text, 23), 1000).value_or("") == text);
  CHECK(inflate(zstd(text), 1000));
  CHECK(second.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
  first.reset();
  CHECK(second.get().value_or("") == text);
  CHECK(inflate(large + large, 1000).value_or("") == text + text);
}

TEST_CASE("crc of zeros equals crc of zero bytes", "[oci][layer]") {
  for (const std::size_t count : {0UL, 1UL, 7UL, 4096UL, 100'001UL}) {
    oci::Crc64 a, b;
    a.update("before");
    b.update("before");
    a.update(std::string(count, '\0'));
    b.update_zeros(count);
    a.update("after");
    b.update("after");
    CHECK(a.value() == b.value());
  }
}

TEST_CASE("layers are unpacked from any compression", "[oci][layer]") {
  const std::string tar = TarBuilder().folder("d").file("d/f", noise(900'000, 5)).bytes();
  for (const std::string& served : {tar, gzip(tar), zstd(tar)}) {
    const TempDir dir;
    REQUIRE(error_of(unpack(served, tar, dir.fd())).text == "");
    CHECK(oci::find_damage(dir.fd(), 10)->empty());
  }
}

TEST_CASE("a last file without padding and end mark is whole", "[oci][layer]") {
  const std::string padded = TarBuilder().file("f", "umoci writes this").open_bytes();
  const std::string tar = padded.substr(0, 512 + 17);
  const TempDir dir;
  CHECK(error_of(unpack(tar, tar, dir.fd())).text == "");
  CHECK(oci::find_damage(dir.fd(), 10)->empty());
  // A tar that is cut earlier is not what its digest says.
  const TempDir cut;
  CHECK_FALSE(unpack(tar.substr(0, 512 + 9), tar, cut.fd()));
}

TEST_CASE("what is verified is the whole stream", "[oci][layer][hostile]") {
  const std::string tar = TarBuilder().file("f", "1").bytes();
  const std::string longer = tar + std::string(10'240, '\0') + "behind the end mark";
  const TempDir good, bad;
  CHECK(error_of(unpack(gzip(longer), longer, good.fd())).text == "");
  // The tar is the same: only the digest sees the difference.
  const Result<void> result = unpack(gzip(longer), tar, bad.fd());
  REQUIRE_FALSE(result);
  CHECK(result.error().fault == Fault::corrupt);
  CHECK(contains(result.error().text, "the digest of the unpacked layer"));
}

TEST_CASE("wrong bytes are found out by size and digest", "[oci][layer][hostile]") {
  const std::string tar = TarBuilder().file("f", noise(400'000, 6)).bytes();
  const std::string served = gzip(tar);
  const auto pull = [&](std::string_view sent, const oci::Descriptor& blob) {
    const TempDir dir;
    return unpack_layer([&](const oci::Sink& sink) { return sink(sent); }, blob,
                        oci::Digest::of(tar), dir.fd(), {});
  };
  const oci::Descriptor right{"", oci::Digest::of(served), served.size()};
  CHECK(pull(served, right));
  SECTION("size") {
    oci::Descriptor lie = right;
    lie.size += 1000;
    CHECK(contains(error_of(pull(served, lie)).text, "the size is"));
  }
  SECTION("cut short") {
    const Result<void> result = pull(std::string_view(served).substr(0, served.size() / 2), right);
    CHECK(contains(error_of(result).text, "the size is"));
    CHECK(result.error().fault == Fault::corrupt);
  }
  SECTION("another tar of the same size: the digest is named, not what it did to the tar") {
    std::string other = served;
    other[other.size() / 2] = static_cast<char>(other[other.size() / 2] ^ 0x55);
    CHECK(contains(error_of(pull(other, right)).text, "the digest is sha256:"));
  }
  SECTION("not a tar at all, but rightly so called") {
    const std::string html = "<html>" + std::string(2000, 'x');
    const oci::Descriptor blob{"", oci::Digest::of(html), html.size()};
    const Result<void> result = pull(html, blob);
    REQUIRE_FALSE(result);
    CHECK(result.error().fault == Fault::invalid);
  }
  SECTION("a source that fails says so itself") {
    const TempDir dir;
    const Result<void> result = unpack_layer(
        [&](const oci::Sink& sink) -> Result<void> {
          TRY(sink(std::string_view(served).substr(0, 1000)));
          return Error{Fault::transient, "connection lost"};
        },
        right, oci::Digest::of(tar), dir.fd(), {});
    CHECK(error_of(result).text == "connection lost");
  }
}

TEST_CASE("unpacking stops when it is told to", "[oci][layer]") {
  const std::string tar = TarBuilder().file("f", noise(400'000, 7)).bytes();
  const TempDir dir;
  std::stop_source stop;
  oci::UnpackOptions options;
  options.stop = stop.get_token();
  const oci::Descriptor blob{"", oci::Digest::of(tar), tar.size()};
  const Result<void> result = unpack_layer(
      [&](const oci::Sink& sink) -> Result<void> {
        TRY(sink(std::string_view(tar).substr(0, 1000)));
        stop.request_stop();
        return sink(std::string_view(tar).substr(1000));
      },
      blob, oci::Digest::of(tar), dir.fd(), options);
  CHECK(error_of(result).text == "cancelled");
}
