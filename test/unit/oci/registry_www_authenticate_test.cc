// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/www_authenticate.h"

#include <string>

#include "oci/registry/auth.h"
#include "test/catch.h"

namespace podpilot::oci {
namespace {

TEST_CASE("docker hub's challenge", "[oci][registry]") {
  const auto challenges = parse_www_authenticate(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",)"
      R"(scope="repository:library/busybox:pull,push",error="insufficient_scope")");
  REQUIRE(challenges);
  REQUIRE(challenges->size() == 1);
  const Challenge& one = challenges->front();
  CHECK(one.scheme == "bearer");
  CHECK(one.parameter("realm") == "https://auth.docker.io/token");
  CHECK(one.parameter("service") == "registry.docker.io");
  CHECK(one.parameter("scope") == "repository:library/busybox:pull,push");
  CHECK(one.parameter("nothing").empty());
}

TEST_CASE("challenges in every legal form", "[oci][registry]") {
  struct Row {
    std::string value;
    std::string schemes;  // joined by spaces
    std::string realm;    // of the last
  };
  const Row rows[] = {
      {"", "", ""},
      {",, ,", "", ""},
      {"Basic", "basic", ""},
      {"Basic realm=simple", "basic", "simple"},
      {"BASIC REALM=\"a b\"", "basic", "a b"},
      {"Basic realm = \"a\"", "basic", "a"},
      {"Basic realm=\"a\\\"b\\\\c\"", "basic", "a\"b\\c"},
      {"Basic realm=\"\"", "basic", ""},
      {"Basic realm=\"a, Bearer realm=b\"", "basic", "a, Bearer realm=b"},
      {"Negotiate, Basic realm=\"x\"", "negotiate basic", "x"},
      {"Negotiate abc/+==, Basic realm=\"x\"", "negotiate basic", "x"},
      {"Basic realm=\"x\", Bearer realm=\"y\",service=z", "basic bearer", "y"},
      {"Basic realm=\"x\",,\tBearer realm=\"y\" , ", "basic bearer", "y"},
      {"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
       "newauth basic", "simple"},
      {"Digest a=, Basic realm=r", "digest basic", "r"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.value);
    const auto challenges = parse_www_authenticate(row.value);
    REQUIRE(challenges);
    std::string schemes;
    for (const Challenge& challenge : *challenges)
      schemes += (schemes.empty() ? "" : " ") + challenge.scheme;
    CHECK(schemes == row.schemes);
    if (!challenges->empty()) CHECK(challenges->back().parameter("realm") == row.realm);
  }
}

TEST_CASE("broken or endless challenges are refused", "[oci][registry]") {
  const auto repeated = [](const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  std::string parameters = "Bearer a0=b";
  for (int i = 1; i < 40; ++i) parameters += ",a" + std::to_string(i) + "=b";
  for (const std::string& value :
       {std::string("\"x\""), std::string("=x"), std::string("Basic realm=\"x"),
        std::string("Basic realm=\"x\\"), std::string("Basic realm=a realm=b"),
        std::string("Bearer realm=\"a\",realm=\"b\""), std::string("Basic realm=\"x\" junk"),
        std::string("Basic\0x", 7), std::string("\xff"), repeated("Basic,", 40), parameters,
        repeated("x", 20'000)}) {
    CAPTURE(value.substr(0, 60));
    CHECK_FALSE(parse_www_authenticate(value));
  }
}

TEST_CASE("Bearer is met before Basic, others are not met", "[oci][registry]") {
  const auto both = parse_www_authenticate("Basic realm=a, Bearer realm=b");
  REQUIRE(both);
  REQUIRE(preferred(*both));
  CHECK(preferred(*both)->scheme == "bearer");
  const auto none = parse_www_authenticate("Negotiate, Digest realm=x");
  REQUIRE(none);
  CHECK(preferred(*none) == nullptr);
}

}  // namespace
}  // namespace podpilot::oci
