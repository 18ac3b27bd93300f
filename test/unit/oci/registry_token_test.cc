// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/token.h"

#include <chrono>
#include <string>

#include "test/catch.h"

namespace podpilot::oci {
namespace {

using std::chrono::seconds;

http::Url url(std::string_view text) {
  auto parsed = http::Url::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

Challenge bearer(const std::string& realm, const std::string& service = "svc") {
  return {"bearer", {{"realm", realm}, {"service", service}, {"scope", "repository:other:push"}}};
}

TEST_CASE("a token realm is https, or as plain and as near as its registry", "[oci][registry]") {
  struct Row {
    std::string registry;
    std::string realm;
    bool allowed;
  };
  const Row rows[] = {
      {"https://r.example/v2/", "https://auth.example/token", true},
      {"https://r.example/v2/", "https://10.0.0.5/token", true},
      {"https://r.example/v2/", "http://auth.example/token", false},
      {"https://r.example/v2/", "http://r.example/token", false},
      {"https://localhost/v2/", "http://localhost/token", false},
      {"http://localhost:5000/v2/", "http://localhost:5001/token", true},
      {"http://localhost:5000/v2/", "http://127.0.0.1:5001/token", true},
      {"http://localhost:5000/v2/", "https://auth.example/token", true},
      {"http://localhost:5000/v2/", "http://auth.example/token", false},
      {"https://r.example/v2/", "https://169.254.169.254/token", false},
      {"https://r.example/v2/", "https://localhost/token", false},
      {"https://r.example/v2/", "", false},
      {"https://r.example/v2/", "token", false},
      {"https://r.example/v2/", "file:///etc/passwd", false},
      {"https://r.example/v2/", "https://user:pw@auth.example/", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.registry, row.realm);
    CHECK(token_realm(bearer(row.realm), url(row.registry)).has_value() == row.allowed);
  }
}

TEST_CASE("a token is asked for by GET, for pulling this repository only", "[oci][registry]") {
  const auto anonymous = token_request(bearer("https://auth.example/token?x=y", "a b"),
                                       url("https://r.example/v2/"), "team/app", std::nullopt);
  REQUIRE(anonymous);
  CHECK(anonymous->url.str() ==
        "https://auth.example/token?x=y&service=a%20b&scope=repository%3Ateam%2Fapp%3Apull");
  CHECK(anonymous->authorization.empty());
  CHECK(anonymous->named_by_server);
  CHECK(anonymous->max_body > 0);
  const Credentials login{"user", Secret("pass"), {}};
  const auto named = token_request(bearer("https://auth.example/token"),
                                   url("https://r.example/v2/"), "team/app", login);
  REQUIRE(named);
  CHECK(named->authorization.reveal() == "Basic dXNlcjpwYXNz");
  CHECK_FALSE(named->url.str().contains("pass"));
}

TEST_CASE("an identity token is exchanged by POST", "[oci][registry]") {
  const Credentials identity{"<token>", Secret("x"), Secret("a&b")};
  const auto request = token_request(bearer("https://auth.example/token"),
                                     url("https://r.example/v2/"), "app", identity);
  REQUIRE(request);
  CHECK(request->method == http::Method::post);
  CHECK(request->authorization.empty());
  CHECK(request->form.reveal() ==
        "grant_type=refresh_token&service=svc&client_id=podpilot&scope=repository%3Aapp%3Apull"
        "&refresh_token=a%26b");
}

TEST_CASE("a token and its life are read", "[oci][registry]") {
  const Clock::time_point now = Clock::now();
  struct Row {
    std::string body;
    std::string token;
    seconds life;
  };
  const Row rows[] = {
      {R"({"token":"t","expires_in":300,"issued_at":"1999-01-01T00:00:00Z"})", "t", seconds(290)},
      {R"({"access_token":"a"})", "a", seconds(54)},
      {R"({"token":"","access_token":"a","refresh_token":"r"})", "a", seconds(54)},
      {R"({"token":"t","access_token":"a","expires_in":10})", "t", seconds(9)},
      {R"({"token":"t","expires_in":-5})", "t", seconds(1)},
      {R"({"token":"t","expires_in":9000000000000000000})", "t", seconds(86390)},
  };
  for (const Row& row : rows) {
    CAPTURE(row.body);
    const auto token = parse_token(row.body, now);
    REQUIRE(token);
    CHECK(token->value.reveal() == row.token);
    CHECK(token->expires - now == row.life);
  }
}

TEST_CASE("an answer without a usable token shows nothing of it", "[oci][registry]") {
  for (const char* body :
       {"", "SECRET", "{\"token\":SECRET}", "[\"SECRET\"]", "{\"tokens\":\"SECRET\"}",
        "{\"token\":\"SECRET\\r\\nX: y\"}", "{\"token\":\"SECRET x\"}",
        "{\"token\":{\"a\":\"SECRET\"}}", "{\"token\":\"SECRET\",\"expires_in\":\"60\"}"}) {
    CAPTURE(body);
    const auto token = parse_token(body, Clock::now());
    REQUIRE_FALSE(token);
    CHECK_FALSE(token.error().text.contains("SECRET"));
  }
}

}  // namespace
}  // namespace podpilot::oci
