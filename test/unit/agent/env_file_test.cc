// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/env_file.h"

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::agent;

TEST_CASE("an env file is read as docker reads it", "[agent][env_file]") {
  using Lines = std::vector<std::string>;
  const std::pair<const char*, Lines> rows[] = {
      {"", {}},
      {"A=1", {"A=1"}},
      {"A=1\nB=2\n", {"A=1", "B=2"}},
      {"A=1\r\nB=2\r\n", {"A=1", "B=2"}},
      {"\n  \n\t\n# x\n  #y\n#A=1\n", {}},
      {"  A=1", {"A=1"}},
      {"A= 1 ", {"A= 1 "}},
      {"A=\"x y\" # kept", {"A=\"x y\" # kept"}},
      {"A=b=c", {"A=b=c"}},
      {"A=", {"A="}},
      {"HOME", {"HOME"}},
      {"A=1\nA=2", {"A=1", "A=2"}},
      {"\xef\xbb\xbf"
       "A=1",
       {"A=1"}},
      {"a.b-c=1", {"a.b-c=1"}},
  };
  for (const auto& [text, lines] : rows) {
    CAPTURE(text);
    const auto parsed = parse_env_file(text);
    REQUIRE(parsed);
    CHECK(*parsed == lines);
  }
}

TEST_CASE("a line that sets no variable is named", "[agent][env_file]") {
  const std::pair<std::string, const char*> rows[] = {
      {"A=1\n=2", "line 2: no name before \"=\""},
      {"A B=1", "line 1: the name \"A B\" holds a blank"},
      {"A =1", "line 1: the name \"A \" holds a blank"},
      {"\n\nexport A", "line 3: the name \"export A\" holds a blank"},
      {std::string("A=\0x", 4), "line 1: holds a NUL byte"},
      {std::string("A\0\n", 3), "line 1: holds a NUL byte"},
  };
  for (const auto& [text, error] : rows) {
    const auto parsed = parse_env_file(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().fault == Fault::invalid);
    CHECK(parsed.error().text == error);
  }
}
