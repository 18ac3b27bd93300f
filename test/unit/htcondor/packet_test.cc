// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/packet.h"

#include "test/catch.h"
#include "test/support/hex.h"

namespace podpilot::agent::htcondor {
namespace {

using test::from_hex;
using test::to_hex;

constexpr const char* kBytes0To31 =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

Key counting_key() {
  return *Key::from(from_hex(kBytes0To31));
}

// A whole packet from outside.
Result<std::string> open(PacketCodec& codec, const std::string& packet) {
  const std::string header = packet.substr(0, kPacketHeader);
  const PacketHeader parsed = TRY(parse_packet_header(header));
  if (parsed.length != packet.size() - kPacketHeader)
    return Error{Fault::invalid, "the header says another length"};
  return codec.open(header, packet.substr(kPacketHeader));
}

TEST_CASE("HKDF-SHA256 as in RFC 5869", "[htcondor][cedar]") {
  CHECK(to_hex(hkdf_sha256(std::string(22, '\x0b'), from_hex("000102030405060708090a0b0c"),
                           from_hex("f0f1f2f3f4f5f6f7f8f9"))
                   .reveal()) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  CHECK(to_hex(hkdf_sha256(std::string(22, '\x0b'), "", "").reveal()) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
  CHECK(to_hex(session_key("00112233445566778899aabbccddeeff").reveal()) ==
        "785f5c49531b8f4c0982d1b6da1c358ec7efbe54cfb8e51a6ce67e91ada6a093");
}

TEST_CASE("both sides of a key exchange get one key", "[htcondor][cedar]") {
  const KeyExchange one;
  const KeyExchange other;
  REQUIRE(one.public_point().size() == 65);
  const auto key = one.finish(other.public_point());
  REQUIRE(key);
  CHECK(*key == *other.finish(one.public_point()));
  CHECK_FALSE(*key == *one.finish(KeyExchange().public_point()));
  std::string off_curve = other.public_point();
  off_curve.back() = static_cast<char>(off_curve.back() ^ 1);
  CHECK_FALSE(one.finish(off_curve));
  CHECK_FALSE(one.finish(""));
  CHECK_FALSE(one.finish(other.public_point().substr(0, 64)));
}

TEST_CASE("a moved key leaves nothing behind", "[htcondor][cedar]") {
  Key key = counting_key();
  const Key moved = std::move(key);
  CHECK(moved == counting_key());
  CHECK(key == Key());  // NOLINT(bugprone-use-after-move)
  CHECK_FALSE(Key::from("short"));
}

TEST_CASE("packets in clear", "[htcondor][cedar]") {
  PacketCodec codec;
  CHECK(to_hex(*codec.seal("ab", true)) == "01000000026162");
  CHECK(to_hex(*codec.seal("c", false)) == "000000000163");
  CHECK_FALSE(codec.seal("", true));
  CHECK(codec.seal(std::string(kMaxPacketBody, 'x'), true));
  CHECK_FALSE(codec.seal(std::string(kMaxPacketBody + 1, 'x'), true));
  CHECK(open(codec, from_hex("01000000026162")) == "ab");
}

TEST_CASE("headers out of range are refused", "[htcondor][cedar]") {
  CHECK(parse_packet_header(from_hex("0000100000"))->length == kMaxPacketBody);
  CHECK(parse_packet_header(from_hex("0a00000001"))->last);
  CHECK_FALSE(parse_packet_header(from_hex("0000000001"))->last);
  for (const char* header :
       {"0100000000", "0000100001", "01ffffffff", "0b00000001", "ff00000001", "4745542f20"}) {
    CAPTURE(header);
    const auto parsed = parse_packet_header(from_hex(header));
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().fault == Fault::invalid);
  }
}

// Made by python's cryptography: key 00..1f, IV ffffffff f4..ff, so that the counter overflows.
constexpr const char* kFirst =
    "0000000025fffffffff4f5f6f7f8f9fafbfcfdfefff99349add0363a57c517e3cc11acac014de35f3b17";
constexpr const char* kSecond = "0100000017ad8ba758dc75252e90440af0f836cee532e60cc603dc90";
constexpr const char* kThird = "0100000010ce6815e65f01c7821c73b070d2c924d4";
constexpr const char* kAfterNothing =
    "0100000021fffffffff4f5f6f7f8f9fafbfcfdfeffe7fb17e43161a8e494f8e7801f73c792ba";

// A receiver after the same words in clear: the peer sent "hello", we sent "wor", "ld".
PacketCodec after_hello() {
  PacketCodec codec;
  REQUIRE(open(codec, from_hex("010000000668656c6c6f00")));
  REQUIRE(codec.seal("wor", false));
  REQUIRE(codec.seal(std::string("ld\0", 3), true));
  codec.encrypt(counting_key());
  return codec;
}

TEST_CASE("AES-256-GCM as another implementation has it", "[htcondor][cedar]") {
  PacketCodec codec = after_hello();
  CHECK(open(codec, from_hex(kFirst)) == "first");
  CHECK(open(codec, from_hex(kSecond)) == " second");
  CHECK(open(codec, from_hex(kThird)) == "");
  PacketCodec fresh;
  fresh.encrypt(counting_key());
  CHECK(open(fresh, from_hex(kAfterNothing)) == "x");
}

TEST_CASE("what went in clear is forgotten on demand", "[htcondor][cedar]") {
  PacketCodec codec;
  REQUIRE(codec.seal("for a shared port", true));
  codec.reset_digests();
  codec.encrypt(counting_key());
  CHECK(open(codec, from_hex(kAfterNothing)) == "x");
}

TEST_CASE("packets that are not genuine are refused", "[htcondor][cedar]") {
  const auto refused = [](const std::string& packet) {
    PacketCodec codec = after_hello();
    const auto opened = open(codec, packet);
    return !opened && opened.error().fault == Fault::corrupt;
  };
  const std::string genuine = from_hex(kFirst);
  for (std::size_t i = kPacketHeader; i < genuine.size(); ++i) {
    std::string changed = genuine;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CAPTURE(i);
    CHECK(refused(changed));
  }
  std::string last = genuine;
  last[0] = '\x01';
  CHECK(refused(last));
  CHECK(refused(from_hex(kAfterNothing)));  // other words in clear
  PacketCodec codec = after_hello();
  REQUIRE(open(codec, genuine));
  CHECK_FALSE(open(codec, from_hex(kThird)));  // one is missing
  PacketCodec empty = after_hello();
  const auto tiny = open(empty, from_hex("010000000141"));
  REQUIRE_FALSE(tiny);
  CHECK(tiny.error().fault == Fault::invalid);
}

TEST_CASE("what one side seals the other opens", "[htcondor][cedar]") {
  PacketCodec client;
  PacketCodec server;
  REQUIRE(open(server, *client.seal("question", true)));
  REQUIRE(open(client, *server.seal("answer", true)));
  client.encrypt(counting_key());
  server.encrypt(counting_key());
  for (const std::size_t size : {1u, 15u, 16u, 17u, 4096u, 1u << 18}) {
    const std::string body(size, 'b');
    CHECK(open(server, *client.seal(body, true)) == body);
    CHECK(open(client, *server.seal(body, false)) == body);
  }
  CHECK_FALSE(client.seal(std::string(kMaxPacketBody, 'x'), true));  // no room for the tag
}

}  // namespace
}  // namespace podpilot::agent::htcondor
