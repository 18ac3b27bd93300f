// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/credential_helper.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "test/catch.h"
#include "test/support/layer_fixture.h"
#include "test/support/temp_dir.h"

using namespace podpilot;
using namespace podpilot::test;
using oci::CredentialLookup;
using oci::Credentials;

namespace {

// A helper in a PATH of the test's own, of shell.
class Helper {
 public:
  explicit Helper(const std::string& script) : path_(std::getenv("PATH")) {
    dir_.write("docker-credential-test", "#!/bin/sh\n" + script);
    ::chmod((dir_ / "docker-credential-test").c_str(), 0755);
    ::setenv("PATH", ("/nowhere::" + dir_.path() + ":" + path_).c_str(), 1);
  }
  ~Helper() { ::setenv("PATH", path_.c_str(), 1); }

  Result<CredentialLookup> ask(const std::string& domain, std::chrono::milliseconds patience =
                                                              std::chrono::seconds(20)) const {
    CredentialLookup lookup{.credentials = Credentials{"file", oci::Secret("old"), {}},
                            .helper = "test"};
    const Result<void> asked = oci::ask_helper(lookup, domain, Deadline::after(patience));
    if (!asked) return asked.error();
    CHECK(lookup.helper.empty());
    return lookup;
  }

 private:
  TempDir dir_;
  std::string path_;
};

}  // namespace

TEST_CASE("a credential helper's answer counts before the file's", "[oci][credentials]") {
  const Helper helper(R"([ "$1" = get ] && read -r server && )"
                      R"(printf '{"ServerURL":"%s","Username":"u-%s","Secret":"s"}' x "$server")");
  const auto plain = helper.ask("registry.example:5000");
  REQUIRE(error_of(plain).text == "");
  CHECK(plain->credentials->username == "u-registry.example:5000");
  CHECK(plain->credentials->password.reveal() == "s");
  const auto hub = helper.ask("docker.io");
  REQUIRE(hub);
  CHECK(hub->credentials->username == "u-https://index.docker.io/v1/");
}

TEST_CASE("a helper's identity token is one", "[oci][credentials]") {
  const auto answer = Helper(R"(echo '{"Username":"<token>","Secret":"t"}')").ask("r");
  REQUIRE(answer);
  CHECK(answer->credentials->identity_token.reveal() == "t");
}

TEST_CASE("a helper that knows nothing leaves what the file says", "[oci][credentials]") {
  const auto answer = Helper("echo credentials not found in native keychain; exit 1").ask("r");
  REQUIRE(error_of(answer).text == "");
  CHECK(answer->credentials->username == "file");
}

TEST_CASE("helpers that fail are errors without a secret", "[oci][credentials]") {
  struct Case {
    const char* script;
    const char* said;
  };
  const Case cases[] = {
      {"echo no session: log in; exit 2", "fails for r: no session: log in"},
      {"echo SECRET", "does not answer with JSON"},
      {R"(echo '{"Username":1,"Secret":"SECRET"}')", "Username"},
      {R"(echo '{"Username":"u"}')", "Secret"},
      {"head -c 2000000 /dev/zero", "says too much"},
      {"kill -9 $$", "fails for r"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.script);
    const Error error = error_of(Helper(c.script).ask("r"));
    CHECK(error.text.find("docker-credential-test") != std::string::npos);
    CHECK(error.text.find(c.said) != std::string::npos);
    CHECK(error.text.find("SECRET") == std::string::npos);
  }
  const auto slow = Helper("sleep 60").ask("r", std::chrono::milliseconds(200));
  CHECK(error_of(slow).text.find("gives no answer") != std::string::npos);
  CredentialLookup absent{.credentials = {}, .helper = "no-such-helper"};
  CHECK(error_of(oci::ask_helper(absent, "r", Deadline::never())).text ==
        "docker-credential-no-such-helper: is in no folder of PATH");
}

TEST_CASE("what of the environment is for helpers is forgotten", "[oci][credentials]") {
  ::setenv("AWS_ROLE_ARN", "role", 1);
  ::setenv("AWSOME", "x", 1);
  ::setenv("GOOGLE_APPLICATION_CREDENTIALS", "file", 1);
  const std::string_view in_memory = std::getenv("AWS_ROLE_ARN");
  const std::vector<std::string> passed = oci::helpers_environment();
  CHECK(std::ranges::count(passed, "AWS_ROLE_ARN=role") == 1);
  CHECK(std::ranges::count(passed, "GOOGLE_APPLICATION_CREDENTIALS=file") == 1);
  CHECK(std::ranges::count(passed, "AWSOME=x") == 0);
  oci::forget_helpers_environment();
  CHECK(oci::helpers_environment().empty());
  CHECK(std::getenv("AWS_ROLE_ARN") == nullptr);
  CHECK(in_memory == std::string_view("\0\0\0\0", 4));
  CHECK(std::getenv("AWSOME"));
  CHECK(std::getenv("PATH"));
  ::unsetenv("AWSOME");
}
