// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/mirror.h"

#include "test/catch.h"

using namespace podpilot;
using namespace podpilot::oci;

TEST_CASE("where a mirror has an image", "[oci][mirror]") {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const auto moved = [](const std::string& image, std::string_view mirror) {
    const Result<Reference> reference = Reference::parse(image);
    REQUIRE(reference);
    const Result<RegistryReference> there = at_mirror(reference->registry, mirror);
    return there ? there->str() : there.error().text;
  };
  CHECK(moved("busybox", "mirror.example.org") == "mirror.example.org/library/busybox:latest");
  CHECK(moved("docker.io/team/x:2", "127.0.0.1:5000") == "127.0.0.1:5000/team/x:2");
  CHECK(moved("team/x@" + digest, "hub.example.org/dockerhub/") ==
        "hub.example.org/dockerhub/team/x@" + digest);
  for (const char* wrong : {"mirror", "", "https://mirror.example.org", "a b.example.org",
                            "mirror.example.org/UPPER"}) {
    INFO(wrong);
    CHECK(moved("busybox", wrong).ends_with("is no registry: HOST[:PORT][/PATH]"));
  }
}
