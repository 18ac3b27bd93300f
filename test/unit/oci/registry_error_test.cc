// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/error.h"

#include "test/catch.h"

namespace podpilot::oci {
namespace {

http::Response answer(int status, std::string_view from, std::string body = "") {
  http::Response out;
  out.status = status;
  out.body = std::move(body);
  out.url = *http::Url::parse(from);
  return out;
}

TEST_CASE("each status becomes a fault that says what to do", "[oci][registry]") {
  struct Row {
    int status;
    Fault fault;
    std::string part;
  };
  const Row rows[] = {
      {404, Fault::not_found, "docker.io/a/b:c: not found at https://r.example"},
      {401, Fault::denied, "does not exist or needs credentials"},
      {403, Fault::denied, "does not exist or needs credentials"},
      {429, Fault::transient, "too many requests"},
      {408, Fault::transient, "status 408"},
      {500, Fault::transient, "status 500"},
      {503, Fault::transient, "status 503"},
      {400, Fault::invalid, "status 400"},
      {418, Fault::invalid, "status 418"},
      {204, Fault::invalid, "status 204"},
  };
  for (const Row& row : rows) {
    const Error error = error_of_status({"docker.io/a/b:c", "https://r.example"},
                                        answer(row.status, "https://r.example/v2/"));
    INFO(error.text);
    CHECK(error.fault == row.fault);
    CHECK(error.text.contains(row.part));
  }
}

TEST_CASE("a refusal mentions a helper that was not run", "[oci][registry]") {
  const http::Response refusal = answer(401, "https://r.example/");
  const Error helper = error_of_status({"x", "https://r.example", false, "desktop"}, refusal);
  CHECK(helper.text.contains("docker-credential-desktop"));
  const Error login = error_of_status({"x", "https://r.example", true, ""}, refusal);
  CHECK(login.text.contains("configured credentials"));
  CHECK(error_of_token({"x", "https://r.example", true}, refusal).fault == Fault::denied);
  CHECK(error_of_token({"x", "https://r.example"}, answer(503, "https://a/")).fault ==
        Fault::transient);
}

TEST_CASE("a refusal by the storage behind the registry says whose it is", "[oci][registry]") {
  const Error error =
      error_of_status({"x", "https://r.example"}, answer(403, "https://s3.example/x?sig=SECRET"));
  CHECK(error.fault == Fault::denied);
  CHECK(error.text.contains("https://s3.example"));
  CHECK_FALSE(error.text.contains("SECRET"));
}

TEST_CASE("the registry's own words are quoted, if they are words", "[oci][registry]") {
  CHECK(registry_message(
            R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})") ==
        "MANIFEST_UNKNOWN: manifest unknown");
  CHECK(registry_message(R"({"errors":[{"message":"m\u001b[31m\n"}]})") == "m\\x1b[31m\\x0a");
  for (const char* body : {"", "x", "[]", "{}", R"({"errors":[]})", R"({"errors":["x"]})",
                           R"({"errors":[{"code":7}]})", R"({"errors":{"code":"X"}})"})
    CHECK(registry_message(body).empty());
}

}  // namespace
}  // namespace podpilot::oci
