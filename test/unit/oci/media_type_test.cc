// SPDX-License-Identifier: Apache-2.0
#include "oci/media_type.h"

#include "test/catch.h"

namespace podpilot::oci {
namespace {

TEST_CASE("Content-Type loses its parameters and its case", "[oci][media_type]") {
  CHECK(media_type_of("Application/JSON; charset=utf-8") == "application/json");
  CHECK(media_type_of("  text/html ") == "text/html");
  CHECK(media_type_of("").empty());
  CHECK(media_type_of(" ; ").empty());
}

TEST_CASE("a layer's compression is in its type", "[oci][media_type]") {
  struct Row {
    std::string_view type;
    Compression compression;
  };
  const Row rows[] = {
      {"application/vnd.oci.image.layer.v1.tar", Compression::none},
      {"application/vnd.oci.image.layer.v1.tar+gzip", Compression::gzip},
      {"application/vnd.oci.image.layer.v1.tar+zstd", Compression::zstd},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::none},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::gzip},
      {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Compression::zstd},
      {"application/vnd.docker.image.rootfs.diff.tar", Compression::none},
      {"application/vnd.docker.image.rootfs.diff.tar.gzip", Compression::gzip},
      {"application/vnd.docker.image.rootfs.diff.tar.zstd", Compression::zstd},
      {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Compression::gzip},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type);
    const auto compression = layer_compression(row.type);
    REQUIRE(compression);
    CHECK(*compression == row.compression);
  }
}

TEST_CASE("types that are no layer of ours are unsupported", "[oci][media_type]") {
  for (const std::string_view type :
       {"", "application/octet-stream", "application/vnd.oci.image.layer.v1.tar+bzip2",
        "application/vnd.oci.image.layer.v1.tar.gzip", "application/vnd.oci.image.layer.v1.tarx",
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "application/vnd.in-toto+json"}) {
    CAPTURE(type);
    const auto compression = layer_compression(type);
    REQUIRE_FALSE(compression);
    CHECK(compression.error().fault == Fault::unsupported);
  }
}

}  // namespace
}  // namespace podpilot::oci
