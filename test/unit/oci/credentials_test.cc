// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/credentials.h"

#include <stdlib.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "test/catch.h"

namespace podpilot::oci {
namespace {

TEST_CASE("base64 of docker's kind", "[oci][credentials]") {
  struct Row {
    std::string plain;
    std::string coded;
  };
  const Row rows[] = {{"", ""},
                      {"f", "Zg=="},
                      {"fo", "Zm8="},
                      {"foo", "Zm9v"},
                      {"user:pass", "dXNlcjpwYXNz"},
                      {"\xff\xfe", "//4="}};
  for (const Row& row : rows) {
    CHECK(encode_base64(row.plain) == row.coded);
    CHECK(decode_base64(row.coded) == row.plain);
  }
  CHECK(decode_base64("Zg") == "f");
  for (const char* bad : {"Z", "Zg=a", "Z g=", "Zm9v\n", "Zm9-", "===", "Zg==="})
    CHECK_FALSE(decode_base64(bad));
}

TEST_CASE("the entry of a registry is found under its names", "[oci][credentials]") {
  const auto with = [](const std::string& key) {
    return R"({"auths":{"other.example":{"auth":"eDp5"},")" + key +
           R"(":{"auth":"dXNlcjpwYXNz"}}})";
  };
  struct Row {
    std::string key;
    std::string domain;
    bool found;
  };
  const Row rows[] = {
      {"reg.example", "reg.example", true},
      {"reg.example:5000", "reg.example:5000", true},
      {"https://reg.example", "reg.example", true},
      {"https://reg.example/v1/", "reg.example", true},
      {"reg.example/v2", "reg.example", true},
      {"https://index.docker.io/v1/", "docker.io", true},
      {"index.docker.io", "docker.io", true},
      {"docker.io", "docker.io", true},
      {"registry-1.docker.io", "docker.io", true},
      {"reg.example:5000", "reg.example", false},
      {"reg.example", "reg.example:5000", false},
      {"reg.example.evil", "reg.example", false},
      {"reg.example/team", "reg.example", false},
      {"https://index.docker.io/v1/", "reg.example", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.key, row.domain);
    const auto lookup = find_credentials(with(row.key), row.domain);
    REQUIRE(lookup);
    REQUIRE(lookup->credentials.has_value() == row.found);
    if (!row.found) continue;
    CHECK(lookup->credentials->username == "user");
    CHECK(lookup->credentials->password.reveal() == "pass");
  }
}

TEST_CASE("an entry in each of its forms", "[oci][credentials]") {
  const auto entry = [](const std::string& value) {
    return find_credentials(R"({"auths":{"r":)" + value + "}}", "r");
  };
  const auto plain = entry(R"({"username":"u","password":"p:q","email":"x"})");
  REQUIRE((plain && plain->credentials));
  CHECK(plain->credentials->password.reveal() == "p:q");
  const auto colon = entry(R"({"auth":")" + encode_base64("u:p:q") + "\"}");
  REQUIRE((colon && colon->credentials));
  CHECK(colon->credentials->password.reveal() == "p:q");
  const auto identity = entry(R"({"auth":"dTo=","identitytoken":"t"})");
  REQUIRE((identity && identity->credentials));
  CHECK(identity->credentials->identity_token.reveal() == "t");
  const auto marked = entry(R"({"username":"<token>","password":"t"})");
  REQUIRE((marked && marked->credentials));
  CHECK(marked->credentials->identity_token.reveal() == "t");
  const auto empty = entry("{}");
  REQUIRE(empty);
  CHECK_FALSE(empty->credentials);
}

TEST_CASE("which helper is to be asked", "[oci][credentials]") {
  const auto helper = [](const char* text) {
    const auto lookup = find_credentials(text, "r");
    return lookup ? lookup->helper : "(" + lookup.error().text + ")";
  };
  CHECK(helper(R"({"credHelpers":{"r":"ecr-login"},"credsStore":"desktop"})") == "ecr-login");
  CHECK(helper(R"({"auths":{"r":{}},"credsStore":"desktop"})") == "desktop");
  CHECK(helper(R"({"auths":{"r":{"auth":"dTpw"}},"credsStore":"desktop"})") == "desktop");
  CHECK(helper(R"({"credHelpers":{"other":"x"}})").empty());
  CHECK(helper("{}").empty());
  for (const char* name : {"\"../../bin/sh\"", "\"a b\"", "\"a/b\"", "1", "[]"})
    CHECK(helper((std::string(R"({"credsStore":)") + name + "}").c_str()).starts_with("(the name"));
}

TEST_CASE("broken configs are errors without their content", "[oci][credentials]") {
  for (const char* text :
       {"SECRET", "[]", R"({"auths":[]})", R"({"auths":{"r":"SECRET"}})",
        R"({"auths":{"r":{"auth":"SECRET!"}}})", R"({"auths":{"r":{"auth":"U0VDUkVU"}}})",
        R"({"auths":{"r":{"password":1,"username":"u"}}})"}) {
    CAPTURE(text);
    CHECK_FALSE(find_credentials(text, "r"));
  }
}

TEST_CASE("files are read in order, absent ones passed over", "[oci][credentials]") {
  std::string folder = "/tmp/podpilot-credentials-XXXXXX";
  REQUIRE(mkdtemp(folder.data()));
  const std::string first = folder + "/first.json";
  const std::string second = folder + "/second.json";
  const std::string broken = folder + "/broken.json";
  std::ofstream(first) << R"({"auths":{"a":{"auth":"dTpw"}}})";
  std::ofstream(second) << R"({"auths":{"a":{"auth":"eDp5"},"b":{"auth":"eDp5"}}})";
  std::ofstream(broken) << "{\"auths\": SECRET";
  const auto a = load_credentials({folder + "/absent", first, second}, "a");
  REQUIRE((a && a->credentials));
  CHECK(a->credentials->username == "u");
  const auto b = load_credentials({first, second}, "b");
  REQUIRE((b && b->credentials));
  CHECK(b->credentials->username == "x");
  const auto none = load_credentials({}, "a");
  REQUIRE(none);
  CHECK_FALSE(none->credentials);
  const auto bad = load_credentials({broken}, "a");
  REQUIRE_FALSE(bad);
  CHECK_FALSE(bad.error().text.contains("SECRET"));
  CHECK(bad.error().text.contains("broken.json"));
  for (const std::string& file : {first, second, broken}) std::remove(file.c_str());
  std::remove(folder.c_str());
}

}  // namespace
}  // namespace podpilot::oci
