// SPDX-License-Identifier: Apache-2.0
// Every way in which a registry can answer wrongly, one a row: what comes of it, how often it is
// asked, and that the next pull by the same client, over connections it may have spoilt, is good.
#include <chrono>
#include <cstdint>
#include <iterator>
#include <string>

#include "sandbox/base/deadline.h"
#include "test/catch.h"
#include "test/support/fake_registry.h"
#include "test/support/registry_pull.h"

namespace podpilot::oci {
namespace {

using std::chrono::seconds;
using test::blob_rule;
using test::check_fault;
using test::fake_bytes;
using test::FakeRegistry;
using test::kBlobPath;
using test::kShort;
using test::manifest_rule;
using test::RegistryPull;

constexpr std::uint64_t kSize = 200'000;

std::string raw(const std::string& text) {
  return R"("raw":")" + text + '"';
}
std::string repeated(const std::string& text, int count) {
  std::string out;
  while (count-- > 0) out += text;
  return out;
}

// Longer than a row can wait: all of its attempts stall, and connect once for TLS.
constexpr seconds kPatience(10);

struct Row {
  std::string name;
  std::string rule;
  Fault fault;
  std::string part;  // of the error
  std::size_t most;  // requests
};

// The rule answers until it was asked `most` times in vain; the pull after that is a good one.
template <typename Fetch>
void check_row(const Row& row, const std::string& path, const std::string& faulty,
               const std::string& good, const Fetch& fetch) {
  FakeRegistry fake("[{\"path\":\"" + path + "\",\"times\":" + std::to_string(row.most) + "," +
                    faulty + "}," + good + "]");
  // A machine that is busy stalls too.
  RegistryPull pull(fake.host(), {}, row.part == "stalled" ? kShort : kPatience);
  const auto start = Clock::now();
  const Result<void> failed = fetch(pull);
  CHECK_FALSE(failed);
  if (failed) return;
  check_fault(failed.error(), row.fault, row.part);
  CHECK(Clock::now() - start < kPatience);
  CHECK(fake.seen(path).size() <= row.most);
  for (std::size_t spent = fake.seen(path).size(); spent < row.most; ++spent) {
    // A look for TLS that took too long may have cost an attempt.
    if (fetch(pull)) return;
  }
  const Result<void> fine = fetch(pull);
  INFO((fine ? "" : fine.error().text));
  CHECK(fine);
}

TEST_CASE("a blob that breaks off goes on, however the rest is answered", "[registry][faults]") {
  const struct {
    const char* name;
    const char* rest;
    std::size_t requests;
  } rows[] = {
      {"as asked", R"("range":"honour")", 2},
      {"all of it", R"("range":"ignore")", 2},
      {"from another start", R"("range":"shift")", 3},
      {"of another size", R"("range":"total")", 3},
      {"without saying from where", R"("range":"missing")", 3},
      {"in parts", R"("range":"multipart")", 3},
      {"a piece at a time", R"("range":"short")", 3},
      {"by 416", R"("range":"refuse")", 3},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    FakeRegistry fake("[" + blob_rule(R"("size":200000,"cut":70000,"times":1)") + "," +
                      blob_rule(std::string(R"("size":200000,)") + row.rest) + "]");
    RegistryPull pull(fake.host());
    const Result<void> result = pull.blob(kSize);
    INFO((result ? "" : result.error().text));
    CHECK(result);
    CHECK((pull.got == fake_bytes(kSize)));
    CHECK(fake.seen(kBlobPath).size() == row.requests);
  }
}

TEST_CASE("a blob of which nothing good comes", "[registry][faults]") {
  const std::string ok = "HTTP/1.1 200 OK\\r\\n";
  const Row rows[] = {
      {"206 that nobody asked for", R"("status":206,"size":200000)", Fault::invalid, "status 206",
       1},
      {"204", R"("status":204)", Fault::invalid, "status 204", 1},
      {"gzip around it", R"("size":200000,"headers":[["Content-Encoding","gzip"]])", Fault::invalid,
       "encoded (gzip)", 1},
      {"without end", R"("size":64000,"endless":true,"length":-1)", Fault::corrupt,
       "more than the 200000 bytes", 1},
      {"a length of gigabytes", R"("size":64000,"endless":true,"length":5000000000)",
       Fault::corrupt, "has 5000000000 bytes", 1},
      {"a length below", R"("size":200000,"length":199999)", Fault::corrupt, "has 199999 bytes", 1},
      {"a length that is none", raw(ok + R"(Content-Length: -7\r\n\r\nx)"), Fault::invalid,
       "not HTTP", 1},
      {"a length beyond 64 bits", raw(ok + R"(Content-Length: 99999999999999999999999\r\n\r\nx)"),
       Fault::transient, "ends after 1 of 200000", 4},
      {"nothing", R"("size":0)", Fault::transient, "ends after 0 of 200000", 4},
      {"nothing, without a length", R"("size":0,"length":-1)", Fault::transient,
       "ends after 0 of 200000", 4},
      {"a stall", R"("size":200000,"stall":0)", Fault::transient, "stalled", 4},
      {"drips", R"("size":200000,"drip":[1,0.05])", Fault::transient, "stalled", 4},
      {"its header in drips", raw(ok + R"(Server: slow\r\n\r\n","drip":[1,0.05],"x":")"),
       Fault::transient, "stalled", 4},
      {"chunks without a size", raw(ok + R"(Transfer-Encoding: chunked\r\n\r\nzz\r\nx)"),
       Fault::transient, "broke", 4},
      {"a chunk that is cut", raw(ok + R"(Transfer-Encoding: chunked\r\n\r\nff\r\nx)"),
       Fault::transient, "", 4},
      {"a chunk beyond 64 bits",
       raw(ok + R"(Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx)"), Fault::transient,
       "broke", 4},
      {"a way that nobody knows", raw(ok + R"(Transfer-Encoding: rot13\r\n\r\nx)"),
       Fault::transient, "", 4},
      {"a redirect to a file", R"("status":307,"headers":[["Location","file:///etc/passwd"]])",
       Fault::invalid, "only http and https", 1},
      {"a redirect with a login",
       R"("status":307,"headers":[["Location","http://user:hunter2@localhost:{port}/x"]])",
       Fault::invalid, "redirect is not followed", 1},
      {"a redirect to itself", R"("status":307,"headers":[["Location","?again"]])", Fault::invalid,
       "redirects more than 5 times", 6},
      {"429 for ever", R"("status":429,"headers":[["Retry-After","0"]])", Fault::transient,
       "too many requests", 4},
      {"503 with a body without end", R"("status":503,"size":64000,"endless":true,"length":-1)",
       Fault::transient, "status 503", 4},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    check_row(row, kBlobPath, row.rule, blob_rule(R"("size":200000)"),
              [](RegistryPull& pull) -> Result<void> {
                TRY(pull.blob(kSize));
                CHECK((pull.got == fake_bytes(kSize)));
                return {};
              });
  }
}

TEST_CASE("a manifest of which nothing good comes", "[registry][faults]") {
  const std::string ok = "HTTP/1.1 200 OK\\r\\n";
  const std::string line(5000, 'x');
  const Row rows[] = {
      {"without end", R"("size":64000,"endless":true,"length":-1)", Fault::invalid,
       "more than the 4194304 bytes", 1},
      {"of gigabytes", R"("size":64000,"endless":true,"length":5000000000)", Fault::invalid,
       "more than the 4194304 bytes", 1},
      {"206", R"("status":206,"body":"{}")", Fault::invalid, "status 206", 1},
      {"gzip around it", R"("body":"{}","headers":[["Content-Encoding","gzip"]])", Fault::invalid,
       "encoded (gzip)", 1},
      {"another digest",
       R"("body":"{}","headers":[["Docker-Content-Digest","sha256:0000000000000000000000000000000000000000000000000000000000000000"]])",
       Fault::corrupt, "sha256:0000", 1},
      {"no status line", raw(R"(<html>)"), Fault::invalid, "not HTTP", 1},
      {"an empty answer", raw(""), Fault::transient, "broke", 4},
      {"a status of letters", raw(R"(HTTP/1.1 abc OK\r\n\r\n)"), Fault::invalid, "not HTTP", 1},
      {"a status of four digits", raw(R"(HTTP/1.1 2000 OK\r\n\r\n)"), Fault::invalid, "", 1},
      {"a version to come", raw(R"(HTTP/7.3 200 OK\r\n\r\n)"), Fault::invalid, "not HTTP", 1},
      {"a NUL in its header", raw(ok + R"(X: a\u0000b\r\n\r\n)"), Fault::invalid, "not HTTP", 1},
      {"bytes for a header", raw(ok + R"(\u0001\u00ff\u00fe\r\n\r\n)"), Fault::invalid, "not HTTP",
       1},
      {"a header without a name", raw(ok + R"(: x\r\n\r\n)"), Fault::invalid, "header", 1},
      {"300 headers", raw(ok + repeated("X: y\\r\\n", 300)), Fault::invalid, "header", 1},
      {"headers of 200 KB", raw(ok + repeated("X: " + line + "\\r\\n", 40)), Fault::invalid,
       "header", 1},
      {"a line of a megabyte", raw(ok + "X: " + repeated(line, 200)), Fault::invalid, "header", 1},
      {"hints without end",
       raw(repeated("HTTP/1.1 103 Early Hints\\r\\nLink: " + line + "\\r\\n\\r\\n", 100)),
       Fault::invalid, "header", 1},
      {"429 for ever", R"("status":429)", Fault::transient, "too many requests", 4},
      {"a redirect in the middle of nowhere", R"("status":301,"headers":[["Location","//"]])",
       Fault::invalid, "redirect is not followed", 1},
      {"nothing but silence", R"("hang":true)", Fault::transient, "stalled", 4},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    check_row(row, "/v2/app/manifests/v1", row.rule, manifest_rule(R"("body":"{}")"),
              [](RegistryPull& pull) -> Result<void> {
                TRY(pull.source.root_manifest());
                return {};
              });
  }
}

TEST_CASE("a long chain of redirects ends, a short one is followed", "[registry][faults]") {
  std::string rules = manifest_rule(R"("status":302,"headers":[["Location","/hop/1"]])");
  for (int hop = 1; hop < 9; ++hop)
    rules += R"(,{"path":"/hop/)" + std::to_string(hop) +
             R"(","status":302,"headers":[["Location","/hop/)" + std::to_string(hop + 1) +
             R"("]]})";
  FakeRegistry fake("[" + rules + "," +
                    manifest_rule(R"("status":302,"headers":[["Location","/hop/8"]])", "v2") +
                    R"(,{"path":"/hop/9","body":"{}"}])");
  RegistryPull pull(fake.host());
  const auto endless = pull.source.root_manifest();
  REQUIRE_FALSE(endless);
  check_fault(endless.error(), Fault::invalid, "more than 5 times");
  CHECK(fake.seen().size() == 6);
  RegistryPull fine(fake.host(), {}, seconds(5), "v2");
  CHECK(fine.source.root_manifest());
}

TEST_CASE("a token server of which nothing good comes", "[registry][faults]") {
  const Row rows[] = {
      {"without end", R"("size":64000,"endless":true,"length":-1)", Fault::invalid,
       "more than the 1048576 bytes", 1},
      {"of gigabytes", R"("size":64000,"endless":true,"length":5000000000)", Fault::invalid,
       "more than the 1048576 bytes", 1},
      {"a web page", R"("body":"<html>")", Fault::invalid, "not a JSON object", 1},
      {"a list in a list in a list", R"("body":")" + std::string(100'000, '[') + '"',
       Fault::invalid, "not a JSON object", 1},
      {"a number for a token", R"("body":"{\"token\":7}")", Fault::invalid, "token", 1},
      {"a line break in the token", R"("body":"{\"token\":\"a\\r\\nX: y\"}")", Fault::invalid,
       "characters no header may have", 1},
      {"401 here too", R"("status":401)", Fault::denied, "token server", 1},
      {"itself as the place to go", R"("status":302,"headers":[["Location","/token"]])",
       Fault::invalid, "more than 5 times", 6},
      {"429 for ever", R"("status":429)", Fault::transient, "token server", 4},
      {"silence", R"("hang":true)", Fault::transient, "stalled", 4},
  };
  const std::string refused =
      R"("status":401,"headers":[["WWW-Authenticate","Bearer realm=\"http://localhost:{port}/token\""]])";
  for (const Row& row : rows) {
    CAPTURE(row.name);
    check_row(row, "/token", row.rule,
              R"({"path":"/token","body":"{\"token\":\"tok\"}"},)" +
                  manifest_rule(R"("has":["Authorization","Bearer tok"],"body":"{}")") + "," +
                  manifest_rule(refused),
              [](RegistryPull& pull) -> Result<void> {
                TRY(pull.source.root_manifest());
                return {};
              });
  }
}

TEST_CASE("ever new realms cost one token each time", "[registry][faults]") {
  std::string rules;
  for (int i = 0; i < 8; ++i)
    rules +=
        manifest_rule(
            R"("times":1,"status":401,"headers":[["WWW-Authenticate","Bearer realm=\"http://localhost:{port}/token)" +
            std::to_string(i) + R"(\""]])") +
        R"(,{"path":"/token)" + std::to_string(i) + R"(","body":"{\"token\":\"t\"}"},)";
  FakeRegistry fake("[" + rules + manifest_rule(R"("body":"{}")") + "]");
  RegistryPull pull(fake.host());
  for (int pulls = 1; pulls <= 4; ++pulls) {
    const auto result = pull.source.root_manifest();
    REQUIRE_FALSE(result);
    check_fault(result.error(), Fault::denied, "does not exist or needs credentials");
    CHECK(fake.seen().size() == static_cast<std::size_t>(3 * pulls));
  }
  CHECK(pull.source.root_manifest());
}

}  // namespace
}  // namespace podpilot::oci
