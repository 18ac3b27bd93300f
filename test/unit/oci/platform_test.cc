// SPDX-License-Identifier: Apache-2.0
#include "oci/platform.h"

#include "test/catch.h"

namespace podpilot::oci {
namespace {

TEST_CASE("an image suits a machine of its architecture", "[oci][platform]") {
  struct Row {
    Platform machine;
    Platform image;
    bool runs;
  };
  const Row rows[] = {
      {{"linux", "amd64", ""}, {"linux", "amd64", ""}, true},
      {{"linux", "amd64", ""}, {"linux", "x86_64", ""}, true},
      {{"linux", "amd64", ""}, {"linux", "amd64", "v1"}, true},
      {{"linux", "amd64", ""}, {"linux", "amd64", "v3"}, false},
      {{"linux", "amd64", ""}, {"linux", "arm64", ""}, false},
      {{"linux", "amd64", ""}, {"linux", "386", ""}, false},
      {{"linux", "amd64", ""}, {"windows", "amd64", ""}, false},
      {{"linux", "amd64", ""}, {"", "", ""}, false},
      {{"linux", "arm64", ""}, {"linux", "arm64", "v8"}, true},
      {{"linux", "arm64", "v8"}, {"linux", "aarch64", ""}, true},
      {{"linux", "arm64", ""}, {"linux", "arm64", "v9"}, false},
      {{"linux", "arm64", ""}, {"linux", "arm", "v7"}, false},
      {{"linux", "arm", "v7"}, {"linux", "arm", ""}, true},
      {{"linux", "arm", "v7"}, {"linux", "arm", "6"}, true},
      {{"linux", "arm", "v7"}, {"linux", "armel", ""}, true},
      {{"linux", "arm", "v6"}, {"linux", "arm", "v7"}, false},
      {{"linux", "arm", "v7"}, {"linux", "arm", "nonsense"}, false},
      {{"linux", "arm", "v7"}, {"linux", "arm", "v"}, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.machine.str(), row.image.str());
    CHECK((suitability(row.machine, row.image) > 0) == row.runs);
  }
}

TEST_CASE("the nearest arm variant below the machine's wins", "[oci][platform]") {
  const Platform machine{"linux", "arm", "v7"};
  const int v7 = suitability(machine, {"linux", "arm", "v7"});
  const int v6 = suitability(machine, {"linux", "arm", "v6"});
  const int v5 = suitability(machine, {"linux", "arm", "v5"});
  CHECK(v7 > v6);
  CHECK(v6 > v5);
  CHECK(v5 > 0);
}

TEST_CASE("this machine runs its own images", "[oci][platform]") {
  CHECK(suitability(Platform::host(), Platform::host()) > 0);
  CHECK(Platform{"linux", "arm", "v7"}.str() == "linux/arm/v7");
}

}  // namespace
}  // namespace podpilot::oci
