// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/message.h"

#include <limits>

#include "test/catch.h"
#include "test/support/hex.h"

namespace podpilot::agent::htcondor {
namespace {

using test::from_hex;
using test::to_hex;

MessageReader reader(const std::string& hex, Coding coding = Coding::clear) {
  return MessageReader(from_hex(hex), coding);
}

TEST_CASE("values as CEDAR codes them", "[htcondor][cedar]") {
  MessageWriter clear;
  clear.integer(60010).integer(-1).string("ab").bytes(std::string("\0c", 2));
  CHECK(to_hex(clear.body()) == "000000000000ea6affffffffffffffff6162000063");
  MessageWriter encrypted(Coding::encrypted);
  encrypted.string("ab").string("");
  CHECK(to_hex(encrypted.body()) == "0000000000000003616200000000000000000100");
  MessageWriter cut;
  cut.string(std::string("a\0b", 3));
  CHECK(to_hex(cut.body()) == "6100");
}

TEST_CASE("values that are written are read", "[htcondor][cedar]") {
  for (const Coding coding : {Coding::clear, Coding::encrypted}) {
    MessageWriter out(coding);
    out.integer(std::numeric_limits<std::int64_t>::min()).string("text").string("").bytes("raw");
    MessageReader in(out.body(), coding);
    CHECK(in.integer() == std::numeric_limits<std::int64_t>::min());
    CHECK(in.string() == "text");
    CHECK(in.string() == "");
    CHECK(in.bytes(3) == "raw");
    CHECK(in.left() == 0);
    CHECK_FALSE(in.integer());
    CHECK_FALSE(in.string());
    CHECK_FALSE(in.bytes(1));
  }
}

TEST_CASE("null strings", "[htcondor][cedar]") {
  MessageReader clear = reader("ad6100");
  CHECK(clear.string() == "");
  CHECK(clear.string() == "a");
  MessageReader encrypted = reader("0000000000000001ad00000000000000026100", Coding::encrypted);
  CHECK(encrypted.string() == "");
  CHECK(encrypted.string() == "a");
}

TEST_CASE("values that do not fit are refused and leave the reader where it was",
          "[htcondor][cedar]") {
  struct Row {
    const char* hex;
    Coding coding;
  };
  const Row rows[] = {
      {"616263", Coding::clear},                      // no NUL
      {"", Coding::clear},                            //
      {"00000000000000", Coding::encrypted},          // no whole length
      {"0000000000000000", Coding::encrypted},        // no NUL in it
      {"ffffffffffffffff61", Coding::encrypted},      // negative
      {"7fffffffffffffff6100", Coding::encrypted},    // larger than all there is
      {"00000000000000036100", Coding::encrypted},    //
      {"0000000000000002616100", Coding::encrypted},  // NUL outside
  };
  for (const Row& row : rows) {
    CAPTURE(row.hex);
    MessageReader in = reader(row.hex, row.coding);
    const std::size_t left = in.left();
    const auto text = in.string();
    REQUIRE_FALSE(text);
    CHECK(text.error().fault == Fault::invalid);
    CHECK(in.left() == left);
  }
}

TEST_CASE("counts have limits", "[htcondor][cedar]") {
  CHECK(reader("0000000000000064").count(100) == 100);
  for (const char* hex : {"0000000000000065", "ffffffffffffffff", "8000000000000000",
                          "7fffffffffffffff", "00000000000000"}) {
    CAPTURE(hex);
    MessageReader in = reader(hex);
    const std::size_t left = in.left();
    CHECK_FALSE(in.count(100));
    CHECK(in.left() == left);
  }
}

}  // namespace
}  // namespace podpilot::agent::htcondor
