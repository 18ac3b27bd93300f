// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/text.h"

#include "test/catch.h"

using namespace podpilot;
using namespace std::chrono_literals;

TEST_CASE("printable keeps UTF-8 and escapes what drives a terminal", "[base][text]") {
  CHECK(printable("Grüße 世界 🚀") == "Grüße 世界 🚀");
  CHECK(printable("a\nb\t\x1b[31m\x7f") == "a\\x0ab\\x09\\x1b[31m\\x7f");
  CHECK(printable(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(printable("\xC2\x9B") == "\\u009b");  // CSI as one C1 character
  CHECK(printable("") == "");
}

TEST_CASE("printable escapes bytes that are not UTF-8", "[base][text]") {
  CHECK(printable("\xff") == "\\xff");
  CHECK(printable("\xC0\xAF") == "\\xc0\\xaf");                    // overlong
  CHECK(printable("\xE0\x80\xAF") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(printable("\xED\xA0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(printable("\xF4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(printable("\xE4\xB8") == "\\xe4\\xb8");                    // cut
  CHECK(printable("\xC3(") == "\\xc3(");
}

TEST_CASE("parse_bytes takes whole numbers with the usual units", "[base][text]") {
  CHECK(parse_bytes("0") == 0u);
  CHECK(parse_bytes("1024") == 1024u);
  CHECK(parse_bytes("500M") == 500'000'000u);
  CHECK(parse_bytes("512Mi") == 512u << 20);
  CHECK(parse_bytes("2GiB") == 2ULL << 30);
  CHECK(parse_bytes("1TB") == 1'000'000'000'000u);
  for (const char* bad : {"", " 1", "1 ", "-1", "+1", "1.5G", "G", "0x10", "1gib", "1GG", "1e3"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_bytes(bad));
  }
}

TEST_CASE("parse_bytes never wraps around", "[base][text]") {
  CHECK(parse_bytes("18446744073709551615") == UINT64_MAX);
  CHECK_FALSE(parse_bytes("18446744073709551616"));
  CHECK(parse_bytes("16777215TiB") == 16777215ULL << 40);
  CHECK_FALSE(parse_bytes("16777216TiB"));
  CHECK_FALSE(parse_bytes("99999999999999999999k"));
}

TEST_CASE("durations are seconds unless they say otherwise", "[base][text]") {
  CHECK(parse_duration("30") == 30s);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("5m") == 5min);
  CHECK(parse_duration("2h") == 2h);
  CHECK(parse_duration("1d") == 24h);
  for (const char* bad : {"", "s", "1w", "-1s", "1.5h", "5 m", "4000d", "18446744073709551615"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("sizes and durations read well at the edges of their units", "[base][text]") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(999) == "999 B");
  CHECK(human_bytes(1000) == "1.0 kB");
  CHECK(human_bytes(999'949) == "999.9 kB");
  CHECK(human_bytes(999'950) == "1.0 MB");
  CHECK(human_bytes(754'300'000) == "754.3 MB");
  CHECK(human_bytes(UINT64_MAX) == "18446.7 PB");
  CHECK(human_duration(310ms) == "310 ms");
  CHECK(human_duration(1240ms) == "1.24 s");
  CHECK(human_duration(42us) == "42 us");
  CHECK(human_duration(125s) == "2m05s");
  CHECK(human_duration(2h + 3min) == "2h03m");
}

TEST_CASE("split keeps empty parts", "[base][text]") {
  CHECK(split("a:b", ':') == std::vector<std::string_view>{"a", "b"});
  CHECK(split("", ':') == std::vector<std::string_view>{""});
  CHECK(split(":a:", ':') == std::vector<std::string_view>{"", "a", ""});
}
