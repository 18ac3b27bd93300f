// SPDX-License-Identifier: Apache-2.0
#include "oci/platform.h"

#include <string_view>
#include <utility>

namespace podpilot::oci {
namespace {

Platform normal(const Platform& in) {
  Platform out = in;
  constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
      {"x86_64", "amd64"}, {"x86-64", "amd64"}, {"aarch64", "arm64"},
      {"armhf", "arm"},    {"armel", "arm"},    {"i386", "386"}};
  for (const auto& [alias, name] : kAliases)
    if (in.architecture == alias) out.architecture = name;
  // As containerd's platforms.Normalize.
  if (in.architecture == "armel" && out.variant.empty()) out.variant = "v6";
  if (out.architecture == "amd64" && out.variant == "v1") out.variant.clear();
  if (out.architecture == "arm64" && (out.variant == "v8" || out.variant == "8"))
    out.variant.clear();
  if (out.architecture == "arm") {
    if (out.variant.empty()) out.variant = "v7";
    if (out.variant.size() == 1) out.variant.insert(0, "v");
  }
  return out;
}

}  // namespace

Platform Platform::host() {
#if defined(__x86_64__)
  return {"linux", "amd64", ""};
#elif defined(__aarch64__)
  return {"linux", "arm64", ""};
#elif defined(__arm__)
  return {"linux", "arm", "v7"};
#elif defined(__riscv)
  return {"linux", "riscv64", ""};
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  return {"linux", "ppc64le", ""};
#elif defined(__s390x__)
  return {"linux", "s390x", ""};
#else
#error "name this architecture as Go does (GOARCH)"
#endif
}

std::string Platform::str() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

int suitability(const Platform& machine, const Platform& image) {
  const Platform have = normal(machine);
  const Platform want = normal(image);
  if (have.os != want.os || have.architecture != want.architecture) return 0;
  if (have.variant == want.variant) return 100;
  if (have.architecture != "arm") return 0;
  // v5 < v6 < v7 < v8, each runs on the ones above it.
  const bool single = have.variant.size() == 2 && want.variant.size() == 2;
  const int gap = single ? have.variant[1] - want.variant[1] : -1;
  return gap > 0 && want.variant[1] >= '5' ? 100 - gap : 0;
}

}  // namespace podpilot::oci
