// SPDX-License-Identifier: Apache-2.0
// The registry client against a server that does what registries should not.
#include <fmt/format.h>
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "oci/http/client.h"
#include "oci/reference.h"
#include "oci/registry/source.h"
#include "test/catch.h"
#include "test/support/fake_registry.h"
#include "test/support/registry_pull.h"

namespace podpilot::oci {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::blob_rule;
using test::check_fault;
using test::fake_bytes;
using test::FakeRegistry;
using test::kBlobPath;
using test::kShort;
using test::manifest_rule;
using Pull = test::RegistryPull;

const std::string kManifest = R"({"schemaVersion":2})";

RegistryOptions with_login() {
  RegistryOptions out;
  out.credentials.credentials = Credentials{"user", Secret("hunter2"), {}};
  return out;
}

std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('"', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return '"' + text + '"';
}

TEST_CASE("a manifest and a blob come over plain http on loopback", "[registry]") {
  FakeRegistry fake(
      "[" +
      manifest_rule(R"("headers":[["Content-Type","application/vnd.x+json; q=1"]],"body":)" +
                    quoted(kManifest)) +
      "," + blob_rule(R"("size":100000)") + "]");
  Pull pull(fake.host());
  const auto manifest = pull.source.root_manifest();
  REQUIRE(manifest);
  CHECK(manifest->bytes == kManifest);
  CHECK(manifest->media_type == "application/vnd.x+json");
  CHECK(manifest->digest == Digest::of(kManifest));
  REQUIRE(pull.blob(100'000));
  CHECK((pull.got == fake_bytes(100'000)));
}

TEST_CASE("a cut blob goes on with a Range", "[registry]") {
  FakeRegistry fake("[" + blob_rule(R"("size":300000,"cut":100000,"times":1)") + "," +
                    blob_rule(R"("size":300000,"range":"honour","cut":50000,"times":2)") + "," +
                    blob_rule(R"("size":300000,"range":"honour")") + "]");
  Pull pull(fake.host());
  REQUIRE(pull.blob(300'000));
  CHECK((pull.got == fake_bytes(300'000)));
  const auto seen = fake.seen(kBlobPath);
  REQUIRE(seen.size() == 4);
  CHECK(seen[0].range.empty());
  CHECK(seen[1].range == "bytes=100000-");
  CHECK(seen[3].range == "bytes=200000-");
}

TEST_CASE("a server that ignores Range or gets it wrong costs time only", "[registry]") {
  for (const char* second : {R"("size":200000)", R"("size":200000,"range":"shift")"}) {
    CAPTURE(second);
    FakeRegistry fake("[" + blob_rule(R"("size":200000,"cut":70000,"times":1)") + "," +
                      blob_rule(second) + "]");
    Pull pull(fake.host());
    REQUIRE(pull.blob(200'000));
    CHECK((pull.got == fake_bytes(200'000)));
  }
}

TEST_CASE("a blob that stalls or drips is asked for again, then given up", "[registry]") {
  FakeRegistry once("[" + blob_rule(R"("size":100000,"stall":40000,"times":1)") + "," +
                    blob_rule(R"("size":100000,"range":"honour")") + "]");
  Pull pull(once.host(), {}, kShort);
  REQUIRE(pull.blob(100'000));
  CHECK((pull.got == fake_bytes(100'000)));

  FakeRegistry always("[" + blob_rule(R"("size":100000,"stall":0)") + "]");
  Pull stalled(always.host(), {}, kShort);
  const auto none = stalled.blob(100'000);
  REQUIRE_FALSE(none);
  check_fault(none.error(), Fault::transient, "stalled");
  // On a slow machine the look for TLS may have taken one of the four.
  CHECK(always.seen(kBlobPath).size() >= 2);
  CHECK(always.seen(kBlobPath).size() <= 4);

  FakeRegistry slow("[" + blob_rule(R"("size":1000,"drip":[1,0.05])") + "]");
  Pull dripping(slow.host(), {}, kShort);
  const auto drip = dripping.blob(1000);
  REQUIRE_FALSE(drip);
  check_fault(drip.error(), Fault::transient, "stalled");
}

TEST_CASE("a blob of another size is corrupt and never overruns", "[registry]") {
  FakeRegistry fake("[" + blob_rule(R"("size":2000)") + "]");
  Pull pull(fake.host());
  for (const std::uint64_t size : {1999U, 2001U}) {
    const auto result = pull.blob(size);
    REQUIRE_FALSE(result);
    check_fault(result.error(), Fault::corrupt, "bytes");
    CHECK(pull.got.size() <= size);
  }
  FakeRegistry endless("[" + blob_rule(R"("size":2000,"length":-1)") + "]");
  Pull unbounded(endless.host());
  const auto more = unbounded.blob(1999);
  REQUIRE_FALSE(more);
  check_fault(more.error(), Fault::corrupt, "more than the 1999 bytes");
  CHECK(unbounded.got.size() <= 1999);
  const auto less = unbounded.blob(2001);
  REQUIRE_FALSE(less);
  check_fault(less.error(), Fault::transient, "ends after 2000 of 2001");
}

TEST_CASE("a web page is no blob", "[registry]") {
  FakeRegistry fake("[" + blob_rule(R"("headers":[["Content-Type","text/html"]],"body":"<html>")") +
                    "]");
  Pull pull(fake.host());
  const auto result = pull.blob(6);
  REQUIRE_FALSE(result);
  check_fault(result.error(), Fault::invalid, "web page");
  CHECK(pull.got.empty());
}

TEST_CASE("429 and 5xx are waited for", "[registry]") {
  FakeRegistry fake(
      "[" + manifest_rule(R"("status":429,"headers":[["Retry-After","1"]],"times":1)") + "," +
      manifest_rule(R"("status":503,"times":1)") + "," + manifest_rule(R"("body":"{}")") + "]");
  Pull pull(fake.host());
  const auto start = Clock::now();
  REQUIRE(pull.source.root_manifest());
  CHECK(Clock::now() - start >= milliseconds(1000));
  CHECK(fake.seen("/v2/app/manifests/v1").size() == 3);
}

TEST_CASE("each refusal has its fault and its text", "[registry]") {
  struct Row {
    std::string rule;
    Fault fault;
    std::string part;
    std::size_t requests;
  };
  const Row rows[] = {
      {R"("status":404,"body":"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}")", Fault::not_found,
       "/app:t0: not found", 1},
      {R"("status":401)", Fault::denied, "does not exist or needs credentials", 1},
      {R"("status":403)", Fault::denied, "does not exist or needs credentials", 1},
      {R"("status":429)", Fault::transient, "too many requests", 4},
      {R"("status":500,"size":300000)", Fault::transient, "status 500", 4},
      {R"("status":418)", Fault::invalid, "status 418", 1},
      {R"("raw":"nonsense\r\n\r\n")", Fault::invalid, "not HTTP", 1},
      {R"("raw":"HTTP/1.1 200 OK\r\nno colon\r\n\r\n")", Fault::invalid, "not HTTP", 1},
      {R"("size":5000000)", Fault::invalid, "more than the 4194304 bytes", 1},
      {R"("hang":true)", Fault::transient, "stalled", 4},
      {R"("headers":[["Location","/v2/app/manifests/t10"]],"status":307)", Fault::invalid,
       "redirects more than 5 times", 6},
      {R"("headers":[["Location","http://169.254.169.254/x"]],"status":307)", Fault::denied,
       "metadata", 1},
      {R"("status":302)", Fault::denied, "no Location", 1},
      {R"("body":"{}","headers":[["Docker-Content-Digest","sha256:0000000000000000000000000000000000000000000000000000000000000000"]])",
       Fault::corrupt, "sha256:0000", 1},
  };
  std::string rules;
  for (std::size_t i = 0; i < std::size(rows); ++i)
    rules += (i ? "," : "") + manifest_rule(rows[i].rule, "t" + std::to_string(i));
  FakeRegistry fake("[" + rules + "]");
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    CAPTURE(rows[i].rule);
    const bool hangs = rows[i].rule.contains("hang");
    const std::string tag = "t" + std::to_string(i);
    Pull pull(fake.host(), {}, hangs ? kShort : milliseconds(5000), tag);
    const auto result = pull.source.root_manifest();
    REQUIRE_FALSE(result);
    check_fault(result.error(), rows[i].fault, rows[i].part);
    const std::size_t requests = fake.seen("/v2/app/manifests/" + tag).size();
    CHECK((requests == rows[i].requests || (hangs && requests >= 2)));
  }
}

TEST_CASE("header floods end", "[registry]") {
  std::string flood = "HTTP/1.1 200 OK\\r\\n";
  for (int i = 0; i < 300; ++i) flood += "X: y\\r\\n";
  std::string interim;
  for (int i = 0; i < 2000; ++i)
    interim += "HTTP/1.1 103 Early Hints\\r\\nLink: " + std::string(200, 'x') + "\\r\\n\\r\\n";
  for (const std::string& raw : {flood, interim}) {
    FakeRegistry fake("[" + manifest_rule("\"raw\":\"" + raw + "\"") + "]");
    Pull pull(fake.host());
    const auto result = pull.source.root_manifest();
    REQUIRE_FALSE(result);
    check_fault(result.error(), Fault::invalid, "header");
  }
}

const char* kBearer =
    R"("status":401,"headers":[["WWW-Authenticate","Basic realm=x"],["WWW-Authenticate","Bearer realm=\"http://localhost:{port}/token\",service=\"svc\",scope=\"x:y:z\""]])";

TEST_CASE("a token is fetched once and used for all", "[registry]") {
  FakeRegistry fake("[" + manifest_rule(R"("has":["Authorization","Bearer tok"],"body":"{}")") +
                    "," + manifest_rule(kBearer) + "," +
                    blob_rule(R"("has":["Authorization","Bearer tok"],"size":10)") + "," +
                    R"({"path":"/token","body":"{\"token\":\"tok\",\"expires_in\":300}"}])");
  Pull pull(fake.host(), with_login());
  REQUIRE(pull.source.root_manifest());
  REQUIRE(pull.blob(10));
  const auto tokens = fake.seen("/token");
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].query == "service=svc&scope=repository%3Aapp%3Apull");
  CHECK(tokens[0].authorization == "Basic dXNlcjpodW50ZXIy");
  const auto manifests = fake.seen("/v2/app/manifests/v1");
  REQUIRE(manifests.size() == 2);
  CHECK(manifests[0].authorization.empty());
  CHECK(manifests[1].authorization == "Bearer tok");
}

TEST_CASE("a token that ended is renewed in the middle", "[registry]") {
  FakeRegistry fake("[" + manifest_rule(R"("has":["Authorization","Bearer one"],"body":"{}")") +
                    "," + manifest_rule(kBearer) + "," +
                    blob_rule(R"("has":["Authorization","Bearer two"],"size":10)") + "," +
                    blob_rule(kBearer) + "," +
                    R"({"path":"/token","body":"{\"token\":\"one\"}","times":1},)"
                    R"({"path":"/token","body":"{\"access_token\":\"two\"}"}])");
  Pull pull(fake.host());
  REQUIRE(pull.source.root_manifest());
  REQUIRE(pull.blob(10));
  CHECK(fake.seen("/token").size() == 2);
}

TEST_CASE("a registry gives a token for an identity token", "[registry]") {
  RegistryOptions options;
  options.credentials.credentials = Credentials{"", {}, Secret("identity")};
  FakeRegistry fake("[" + manifest_rule(R"("has":["Authorization","Bearer tok"],"body":"{}")") +
                    "," + manifest_rule(kBearer) + "," +
                    R"({"path":"/token","body":"{\"access_token\":\"tok\"}"}])");
  Pull pull(fake.host(), std::move(options));
  REQUIRE(pull.source.root_manifest());
  const auto tokens = fake.seen("/token");
  REQUIRE(tokens.size() == 1);
  CHECK(tokens[0].method == "POST");
  CHECK(tokens[0].body.contains("refresh_token=identity"));
}

TEST_CASE("a registry that is never content is refused after one token", "[registry]") {
  FakeRegistry fake("[" + manifest_rule(kBearer) + "," +
                    R"({"path":"/token","body":"{\"token\":\"tok\"}"}])");
  Pull pull(fake.host());
  const auto result = pull.source.root_manifest();
  REQUIRE_FALSE(result);
  check_fault(result.error(), Fault::denied, "does not exist or needs credentials");
  CHECK(fake.seen("/token").size() == 1);
  CHECK(fake.seen("/v2/app/manifests/v1").size() == 2);
}

TEST_CASE("a token server's failures are told apart", "[registry]") {
  struct Row {
    std::string rule;
    Fault fault;
    std::string part;
  };
  const Row rows[] = {
      {R"("status":401)", Fault::denied, "does not accept the configured credentials"},
      {R"("status":503)", Fault::transient, "token server"},
      {R"("body":"hunter2")", Fault::invalid, "not a JSON object"},
      {R"("body":"{}")", Fault::invalid, "no token"},
      {R"("size":2000000)", Fault::invalid, "more than"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.rule);
    FakeRegistry fake("[" + manifest_rule(kBearer) + R"(,{"path":"/token",)" + row.rule + "}]");
    Pull pull(fake.host(), with_login());
    const auto result = pull.source.root_manifest();
    REQUIRE_FALSE(result);
    check_fault(result.error(), row.fault, row.part);
  }
}

TEST_CASE("Basic is used where it is asked for, and only once", "[registry]") {
  const std::string challenge =
      R"("status":401,"headers":[["WWW-Authenticate","Basic realm=\"r\""]])";
  FakeRegistry fake(
      "[" + manifest_rule(R"("has":["Authorization","Basic dXNlcjpodW50ZXIy"],"body":"{}")") + "," +
      manifest_rule(challenge) + "]");
  Pull pull(fake.host(), with_login());
  REQUIRE(pull.source.root_manifest());
  FakeRegistry never("[" + manifest_rule(challenge) + "]");
  Pull refused(never.host(), with_login());
  const auto result = refused.source.root_manifest();
  REQUIRE_FALSE(result);
  check_fault(result.error(), Fault::denied, "configured credentials");
  CHECK(never.seen("/v2/app/manifests/v1").size() == 2);
}

TEST_CASE("a realm on plain http elsewhere sees neither us nor the login", "[registry]") {
  FakeRegistry fake("[" +
                    manifest_rule(R"("status":401,"headers":[["WWW-Authenticate",)"
                                  R"("Bearer realm=\"http://auth.example/token\""]])") +
                    "]");
  Pull pull(fake.host(), with_login());
  const auto result = pull.source.root_manifest();
  REQUIRE_FALSE(result);
  check_fault(result.error(), Fault::denied, "plain http on another host");
}

TEST_CASE("a redirect to another origin carries no Authorization but the Range", "[registry]") {
  FakeRegistry storage("[" +
                       std::string(R"({"path":"/blob","size":50000,"cut":20000,"times":1},)") +
                       R"({"path":"/blob","size":50000,"range":"honour"}])");
  const std::string location = fmt::format("http://127.0.0.1:{}/blob?sig=s", storage.port());
  FakeRegistry fake(
      "[" +
      blob_rule(
          R"("lacks":["Authorization",""],"status":401,"headers":[["WWW-Authenticate","Basic realm=r"]])") +
      "," + blob_rule(fmt::format(R"("status":307,"headers":[["Location","{}"]])", location)) +
      "]");
  Pull pull(fake.host(), with_login());
  REQUIRE(pull.blob(50'000));
  CHECK((pull.got == fake_bytes(50'000)));
  const auto seen = storage.seen("/blob");
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].authorization.empty());
  CHECK(seen[1].authorization.empty());
  CHECK(seen[1].range == "bytes=20000-");
  CHECK(seen[1].query == "sig=s");
}

TEST_CASE("a 401 of the storage is no challenge to us", "[registry]") {
  FakeRegistry storage(
      R"([{"path":"/blob","status":401,"headers":[["WWW-Authenticate","Basic realm=r"]]}])");
  const std::string location = fmt::format("http://127.0.0.1:{}/blob", storage.port());
  FakeRegistry fake(
      "[" + blob_rule(fmt::format(R"("status":307,"headers":[["Location","{}"]])", location)) +
      "]");
  Pull pull(fake.host(), with_login());
  const auto result = pull.blob(10);
  REQUIRE_FALSE(result);
  check_fault(result.error(), Fault::denied, "where the registry keeps it");
  for (const auto& one : storage.seen("/blob")) CHECK(one.authorization.empty());
}

TEST_CASE("the manifest that an index names has its size and digest", "[registry]") {
  const std::string path = "/v2/app/manifests/" + Digest::of(kManifest).str();
  FakeRegistry fake("[{\"path\":\"" + path + "\",\"body\":" + quoted(kManifest) + "}]");
  Pull pull(fake.host());
  Descriptor descriptor{"", Digest::of(kManifest), kManifest.size()};
  CHECK(pull.source.manifest(descriptor));
  descriptor.size += 1;
  const auto longer = pull.source.manifest(descriptor);
  REQUIRE_FALSE(longer);
  check_fault(longer.error(), Fault::corrupt, "its index says");
  FakeRegistry liar("[{\"path\":\"" + path + "\",\"body\":" + quoted("{\"schemaVersion\":3}") +
                    "}]");
  Pull lied(liar.host());
  descriptor.size -= 1;
  const auto other = lied.source.manifest(descriptor);
  REQUIRE_FALSE(other);
  check_fault(other.error(), Fault::corrupt, Digest::of(kManifest).str());
}

TEST_CASE("a HEAD tells what a tag means, or nothing", "[registry]") {
  const std::string digest = Digest::of(kManifest).str();
  const auto told = [](const std::string& value) {
    return R"("headers":[["Docker-Content-Digest",")" + value + R"("]],"body":"{}")";
  };
  const struct {
    std::string rule;
    bool fine;
  } rows[] = {
      {told(digest), true},
      {R"("body":"{}")", false},
      {told("sha256:12"), false},
      {told("latest"), false},
      {R"("status":404)", false},
      {R"("status":405)", false},
      {R"("status":429,"headers":[["Retry-After","60"]])", false},
      {R"("status":500)", false},
      {R"("status":206,)" + told(digest), false},
      {R"("raw":"nonsense\r\n\r\n")", false},
      {R"("raw":"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHTTP/1.1 404 no\r\n\r\n")", false},
      {R"("hang":true)", false},
      {R"("status":307,"headers":[["Location","/elsewhere"]])", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.rule);
    FakeRegistry fake("[" + manifest_rule(R"("method":"HEAD",)" + row.rule) + "," +
                      manifest_rule(R"("body":"{}")") + R"(,{"path":"/elsewhere",)" + told(digest) +
                      "}]");
    const bool hangs = row.rule.contains("hang");
    Pull pull(fake.host(), {}, hangs ? kShort : milliseconds(5000));
    const std::optional<Digest> root = pull.source.root_digest();
    CHECK(root.has_value() == row.fine);
    if (root) CHECK(*root == Digest::of(kManifest));
    const auto seen = fake.seen("/v2/app/manifests/v1");
    // The look for TLS may have been what took too long.
    CHECK((seen.size() == 1 || hangs));
    if (!seen.empty()) CHECK(seen[0].method == "HEAD");
    CHECK(pull.source.root_manifest());
  }
}

TEST_CASE("a HEAD has a login as a GET has it", "[registry]") {
  FakeRegistry fake(
      "[" +
      manifest_rule(
          R"("has":["Authorization","Bearer tok"],"headers":[["Docker-Content-Digest",")" +
          Digest::of(kManifest).str() + R"("]],"body":)" + quoted(kManifest)) +
      "," + manifest_rule(kBearer) + R"(,{"path":"/token","body":"{\"token\":\"tok\"}"}])");
  Pull pull(fake.host(), with_login());
  CHECK(pull.source.root_digest() == Digest::of(kManifest));
  CHECK(pull.source.root_manifest());
  CHECK(fake.seen("/token").size() == 1);
}

TEST_CASE("https needs a certificate that is believed, also on loopback", "[registry]") {
  std::string folder = "/tmp/podpilot-tls-XXXXXX";
  REQUIRE(mkdtemp(folder.data()));
  const std::string certificate = folder + "/cert.pem";
  const std::string key = folder + "/key.pem";
  auto made = spawn(
      {.program = "/usr/bin/openssl",
       .argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key},
       .environment = {},
       .descriptors = {}});
  REQUIRE(made);
  REQUIRE(made->wait(Deadline::after(seconds(20))));
  {
    FakeRegistry fake("[" + manifest_rule(R"("body":"{}")") + "]", certificate, key);
    http::Client believing({.user_agent = "podpilot/test", .ca_file = certificate});
    const RegistryReference reference = Reference::parse(fake.host() + "/app:v1")->registry;
    RegistrySource good(believing, reference, {});
    const auto fine = good.root_manifest();
    INFO((fine ? "" : fine.error().text));
    CHECK(fine);
    Pull doubting(fake.host());
    const auto refused = doubting.source.root_manifest();
    REQUIRE_FALSE(refused);
    check_fault(refused.error(), Fault::denied, "certificate is not accepted");
    http::Client lost({.user_agent = "podpilot/test", .ca_file = folder + "/absent"});
    RegistrySource broken(lost, reference, {});
    const auto unread = broken.root_manifest();
    REQUIRE_FALSE(unread);
    check_fault(unread.error(), Fault::invalid, "cannot be read");
  }
  for (const std::string& file : {certificate, key}) std::remove(file.c_str());
  std::remove(folder.c_str());
}

TEST_CASE("nobody there", "[registry]") {
  int port = 0;
  {
    const FakeRegistry gone("[]");
    port = gone.port();
  }
  Pull refused(fmt::format("127.0.0.1:{}", port));
  const auto nobody = refused.source.root_manifest();
  REQUIRE_FALSE(nobody);
  check_fault(nobody.error(), Fault::transient, "cannot connect: ECONNREFUSED");
}

TEST_CASE("a stop token ends a transfer and its waits at once", "[registry]") {
  FakeRegistry fake("[" + manifest_rule(R"("hang":true)") + "]");
  std::stop_source stop;
  RegistryOptions options;
  options.stop = stop.get_token();
  http::Client patient({.user_agent = "podpilot/test"});
  RegistrySource source(patient, Reference::parse(fake.host() + "/app:v1")->registry, options);
  const auto start = Clock::now();
  const std::jthread stopper([&stop] {
    std::this_thread::sleep_for(milliseconds(100));
    stop.request_stop();
  });
  const auto result = source.root_manifest();
  REQUIRE_FALSE(result);
  check_fault(result.error(), Fault::transient, "cancelled");
  CHECK(Clock::now() - start < seconds(2));
}

TEST_CASE("the deadline counts for everything together", "[registry]") {
  FakeRegistry fake("[" + manifest_rule(R"("hang":true)") + "]");
  RegistryOptions options;
  options.deadline = Deadline::after(milliseconds(400));
  Pull pull(fake.host(), std::move(options));
  const auto start = Clock::now();
  CHECK_FALSE(pull.source.root_manifest());
  CHECK(Clock::now() - start < milliseconds(1500));
}

TEST_CASE("several threads share one source", "[registry]") {
  FakeRegistry fake("[" + blob_rule(R"("has":["Authorization","Bearer tok"],"size":60000)") + "," +
                    blob_rule(kBearer) + "," +
                    R"({"path":"/token","body":"{\"token\":\"tok\",\"expires_in\":300}"}])");
  Pull pull(fake.host());
  std::vector<std::string> got(4);
  std::vector<int> fine(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < got.size(); ++i)
      threads.emplace_back([&, i] {
        const Sink sink = [&got, i](std::string_view bytes) -> Result<void> {
          got[i] += bytes;
          return {};
        };
        for (int round = 0; round < 3; ++round) {
          got[i].clear();
          fine[i] += pull.source.blob({"", Digest::of("blob"), 60'000}, sink).has_value();
        }
      });
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(fine[i] == 3);
    CHECK((got[i] == fake_bytes(60'000)));
  }
  CHECK(fake.seen("/token").size() == 1);
}

}  // namespace
}  // namespace podpilot::oci
