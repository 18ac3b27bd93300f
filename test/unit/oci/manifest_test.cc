// SPDX-License-Identifier: Apache-2.0
#include "oci/manifest.h"

#include <fmt/format.h>

#include <string>

#include "oci/limits.h"
#include "test/catch.h"

namespace podpilot::oci {
namespace {

constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
constexpr std::string_view kGzip = "application/vnd.oci.image.layer.v1.tar+gzip";
constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";

std::string digest(char c) {
  return "sha256:" + std::string(64, c);
}

std::string descriptor(std::string_view type, const std::string& digest_text,
                       std::string_view size = "10", std::string_view more = "") {
  return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}{}}})", type, digest_text, size,
                     more);
}

std::string image(std::string_view type, const std::string& layers,
                  const std::string& config = descriptor(kConfigType, digest('c')),
                  std::string_view more = "") {
  const std::string said = type.empty() ? "" : fmt::format(R"("mediaType":"{}",)", type);
  return fmt::format(R"({{"schemaVersion":2,{}"config":{},"layers":[{}]{}}})", said, config, layers,
                     more);
}

std::string index_of(std::string_view type, const std::string& manifests) {
  const std::string said = type.empty() ? "" : fmt::format(R"("mediaType":"{}",)", type);
  return fmt::format(R"({{"schemaVersion":2,{}"manifests":[{}]}})", said, manifests);
}

std::string entry(char c, std::string_view os, std::string_view architecture,
                  std::string_view variant = "", std::string_view more = "") {
  const std::string member = variant.empty() ? "" : fmt::format(R"(,"variant":"{}")", variant);
  return descriptor(kOciManifest, digest(c), "500",
                    fmt::format(R"(,"platform":{{"os":"{}","architecture":"{}"{}}}{})", os,
                                architecture, member, more));
}

const std::string kLayer = descriptor(kGzip, digest('a'));

TEST_CASE("an image manifest gives config and layers in order", "[oci][manifest]") {
  const std::string second =
      descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", digest('b'), "20",
                 R"(,"urls":["https://elsewhere.example/x"],"annotations":{"a":"b"})");
  const auto manifest = parse_manifest(image(kOciManifest, kLayer + "," + second), kOciManifest);
  REQUIRE(manifest);
  const auto* parsed = std::get_if<ImageManifest>(&*manifest);
  REQUIRE(parsed);
  CHECK(parsed->config.digest.str() == digest('c'));
  REQUIRE(parsed->layers.size() == 2);
  CHECK(parsed->layers[0].descriptor.digest.str() == digest('a'));
  CHECK(parsed->layers[0].compression == Compression::gzip);
  CHECK(parsed->layers[1].descriptor.size == 20);
  CHECK(parsed->layers[1].compression == Compression::zstd);
}

TEST_CASE("docker's types and silent servers are understood", "[oci][manifest]") {
  const std::string docker_layer =
      descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", digest('a'));
  const std::string docker_config =
      descriptor("application/vnd.docker.container.image.v1+json", digest('c'));
  CHECK(parse_manifest(image(kDockerManifest, docker_layer, docker_config), kDockerManifest));
  CHECK(parse_manifest(image(kOciManifest, kLayer), ""));
  CHECK(parse_manifest(image(kOciManifest, kLayer), "application/json; charset=utf-8"));
  CHECK(parse_manifest(image("", kLayer), kOciManifest));
  CHECK(parse_manifest(image("", kLayer), "text/plain"));
  CHECK(parse_manifest(image("", ""), kOciManifest));
  CHECK(parse_manifest(image(kOciManifest, kLayer, descriptor(kConfigType, digest('c')),
                             R"(,"subject":null,"new":{"member":[1]})"),
                       kOciManifest));
  const auto list =
      parse_manifest(index_of(kDockerList, entry('a', "linux", "amd64")), kDockerList);
  REQUIRE(list);
  CHECK(std::holds_alternative<Index>(*list));
}

TEST_CASE("what could be read two ways, or not at all, is refused", "[oci][manifest]") {
  struct Row {
    std::string bytes;
    std::string_view type;
    Fault fault;
    std::string reason;
  };
  const std::string config = descriptor(kConfigType, digest('c'));
  const std::string many = [] {
    std::string out = kLayer;
    for (std::size_t i = 0; i < kMaxLayers; ++i) out += "," + kLayer;
    return out;
  }();
  const Row rows[] = {
      {"", kOciManifest, Fault::invalid, "not JSON"},
      {"[]", kOciManifest, Fault::invalid, "must be an object"},
      {"{}", kOciManifest, Fault::invalid, "schemaVersion: is missing"},
      {R"({"schemaVersion":"2"})", kOciManifest, Fault::invalid, "schemaVersion"},
      {R"({"schemaVersion":3})", kOciManifest, Fault::unsupported, "schemaVersion 3"},
      {R"({"schemaVersion":1,"fsLayers":[]})", "", Fault::unsupported, "schema 1"},
      {image("", kLayer), "application/vnd.docker.distribution.manifest.v1+prettyjws",
       Fault::unsupported, "schema 1"},
      {image("", kLayer, config, R"(,"manifests":[])"), kOciManifest, Fault::invalid, "two ways"},
      {image("", kLayer, config, R"(,"fsLayers":[])"), kOciManifest, Fault::invalid, "schema 1"},
      {image(kOciManifest, kLayer), kDockerManifest, Fault::invalid, "calls itself"},
      {image(kOciManifest, kLayer), kOciIndex, Fault::invalid, "calls itself"},
      {image("", kLayer), kOciIndex, Fault::invalid, "says that it is an index"},
      {index_of("", ""), kOciManifest, Fault::invalid, "says that it is an image"},
      {index_of(kOciManifest, ""), "", Fault::invalid, "says that it is an image"},
      {image("application/vnd.x+json", kLayer), "", Fault::unsupported, "no image"},
      {image("", kLayer), "application/vnd.x+json", Fault::unsupported, "no image"},
      {"<html>", "text/html; charset=utf-8", Fault::invalid, "web page"},
      {image("", kLayer, descriptor("application/vnd.cncf.helm.config.v1+json", digest('c'))),
       kOciManifest, Fault::unsupported, "helm"},
      {image("", kLayer, descriptor(kConfigType, digest('c'), "5000000")), kOciManifest,
       Fault::invalid, "config.size"},
      {image("", descriptor(kGzip, "sha256:../../x")), kOciManifest, Fault::invalid,
       "layers[0].digest"},
      {image("", descriptor(kGzip, "sha512:" + std::string(128, 'a'))), kOciManifest,
       Fault::unsupported, "layers[0].digest"},
      {image("", descriptor(kGzip, digest('a'), "-1")), kOciManifest, Fault::invalid, "negative"},
      {image("", descriptor(kGzip, digest('a'), "1.5")), kOciManifest, Fault::invalid,
       "layers[0].size"},
      {image("", descriptor(kGzip, digest('a'), "\"10\"")), kOciManifest, Fault::invalid,
       "layers[0].size"},
      {image("", descriptor(kGzip, digest('a'), "18446744073709551615")), kOciManifest,
       Fault::invalid, "layers[0].size"},
      {image("", descriptor(kGzip, digest('a'), "9223372036854775807")), kOciManifest,
       Fault::invalid, "layers[0].size"},
      {image("", descriptor("application/x-bzip2", digest('a'))), kOciManifest, Fault::unsupported,
       "layers[0]"},
      {image("", R"({"digest":"x","size":1})"), kOciManifest, Fault::invalid,
       "mediaType: is missing"},
      {image("", "7"), kOciManifest, Fault::invalid, "layers[0]: must be an object"},
      {R"({"schemaVersion":2,"layers":[]})", kOciManifest, Fault::invalid, "config: is missing"},
      {R"({"schemaVersion":2,"config":{},"layers":{}})", kOciManifest, Fault::invalid, "config"},
      {image("", many), kOciManifest, Fault::unsupported, "at most"},
      {R"({"schemaVersion":2,"schemaVersion":2})", kOciManifest, Fault::invalid, "twice"},
      {std::string(kMaxManifestBytes + 1, ' '), kOciManifest, Fault::invalid, "at most"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes.substr(0, 300), row.type);
    const auto manifest = parse_manifest(row.bytes, row.type);
    REQUIRE_FALSE(manifest);
    CHECK(manifest.error().fault == row.fault);
    INFO(manifest.error().text);
    CHECK(manifest.error().text.contains(row.reason));
  }
}

Result<Descriptor> chosen(const std::string& manifests, const Platform& machine) {
  const Manifest manifest = TRY(parse_manifest(index_of(kOciIndex, manifests), kOciIndex));
  return choose(std::get<Index>(manifest), machine);
}

TEST_CASE("the entry for this machine is chosen from an index", "[oci][manifest]") {
  const Platform amd64{"linux", "amd64", ""};
  const Platform arm{"linux", "arm", "v7"};
  const std::string attestation =
      entry('f', "linux", "amd64", "",
            R"(,"annotations":{"vnd.docker.reference.type":"attestation-manifest"})");
  const std::string all = entry('e', "unknown", "unknown") + "," + attestation + "," +
                          entry('1', "linux", "amd64", "v3") + "," + entry('2', "linux", "amd64") +
                          "," + entry('3', "linux", "amd64") + "," +
                          entry('4', "linux", "arm", "v5") + "," +
                          entry('6', "linux", "arm", "v6") + "," + entry('5', "windows", "amd64");
  const auto first = chosen(all, amd64);
  REQUIRE(first);
  CHECK(first->digest.str() == digest('2'));
  const auto best_arm = chosen(all, arm);
  REQUIRE(best_arm);
  CHECK(best_arm->digest.str() == digest('6'));
}

TEST_CASE("the best that the processor runs is chosen from an index", "[oci][manifest]") {
  const std::string all = entry('1', "linux", "amd64") + "," + entry('4', "linux", "amd64", "v4") +
                          "," + entry('2', "linux", "amd64", "v2") + "," +
                          entry('3', "linux", "amd64", "v3") + "," +
                          entry('9', "linux", "amd64", "v9");
  const auto taken = [&all](const char* variant) {
    const auto best = chosen(all, {"linux", "amd64", variant});
    return best ? best->digest.str() : best.error().text;
  };
  CHECK(taken("") == digest('1'));
  CHECK(taken("v2") == digest('2'));
  CHECK(taken("v3") == digest('3'));
  CHECK(taken("v4") == digest('4'));
}

TEST_CASE("an entry without a platform is the last resort", "[oci][manifest]") {
  const Platform amd64{"linux", "amd64", ""};
  const std::string bare = descriptor(kOciManifest, digest('b'));
  const auto alone = chosen(bare, amd64);
  REQUIRE(alone);
  CHECK(alone->digest.str() == digest('b'));
  const auto beaten = chosen(bare + "," + entry('a', "linux", "amd64"), amd64);
  REQUIRE(beaten);
  CHECK(beaten->digest.str() == digest('a'));
}

TEST_CASE("an index without this machine says what it has", "[oci][manifest]") {
  const auto none = chosen(entry('a', "linux", "s390x") + "," + entry('b', "unknown", "unknown"),
                           {"linux", "amd64", ""});
  REQUIRE_FALSE(none);
  CHECK(none.error().fault == Fault::unsupported);
  CHECK(none.error().text == "there is no image for linux/amd64; there is linux/s390x");
  CHECK_FALSE(chosen("", {"linux", "amd64", ""}));
}

TEST_CASE("bad entries of an index are named", "[oci][manifest]") {
  const auto bad = parse_manifest(index_of(kOciIndex, entry('a', "linux", "amd64") + "," +
                                                          descriptor(kOciManifest, digest('b'), "5",
                                                                     R"(,"platform":{"os":1})")),
                                  kOciIndex);
  REQUIRE_FALSE(bad);
  INFO(bad.error().text);
  CHECK(bad.error().text.contains("manifests[1].platform.os"));
}

}  // namespace
}  // namespace podpilot::oci
