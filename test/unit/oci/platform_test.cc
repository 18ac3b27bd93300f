// SPDX-License-Identifier: Apache-2.0
#include "oci/platform.h"

#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <string>

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
      {{"linux", "amd64", "v3"}, {"linux", "amd64", ""}, true},
      {{"linux", "amd64", "v3"}, {"linux", "amd64", "v1"}, true},
      {{"linux", "amd64", "v3"}, {"linux", "x86_64", "v2"}, true},
      {{"linux", "amd64", "v3"}, {"linux", "amd64", "v3"}, true},
      {{"linux", "amd64", "v3"}, {"linux", "amd64", "v4"}, false},
      {{"linux", "amd64", "v4"}, {"linux", "amd64", "v5"}, false},
      {{"linux", "amd64", "v4"}, {"linux", "amd64", "v0"}, false},
      {{"linux", "amd64", "v4"}, {"linux", "amd64", "v33"}, false},
      {{"linux", "amd64", "v3"}, {"linux", "arm64", "v8"}, false},
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

TEST_CASE("the highest level of x86-64 that the machine has wins", "[oci][platform]") {
  const Platform machine{"linux", "amd64", "v3"};
  const int v3 = suitability(machine, {"linux", "amd64", "v3"});
  const int v2 = suitability(machine, {"linux", "amd64", "v2"});
  const int any = suitability(machine, {"linux", "amd64", ""});
  CHECK(v3 > v2);
  CHECK(v2 > any);
  CHECK(any > 0);
}

#if defined(__x86_64__)
TEST_CASE("this machine's level is what its processor says", "[oci][platform]") {
  std::ifstream in("/proc/cpuinfo");
  std::string line;
  while (std::getline(in, line) && !line.starts_with("flags")) {
  }
  line += ' ';
  const auto all = [&line](std::initializer_list<const char*> flags) {
    return std::ranges::all_of(
        flags, [&line](const std::string& flag) { return line.contains(" " + flag + " "); });
  };
  const bool v2 = all({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"});
  const bool v3 = v2 && all({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"});
  const bool v4 = v3 && all({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  CHECK(Platform::host().variant == (v4 ? "v4" : v3 ? "v3" : v2 ? "v2" : ""));
}
#endif

TEST_CASE("this machine runs its own images", "[oci][platform]") {
  CHECK(suitability(Platform::host(), Platform::host()) > 0);
  CHECK(Platform{"linux", "arm", "v7"}.str() == "linux/arm/v7");
}

}  // namespace
}  // namespace podpilot::oci
