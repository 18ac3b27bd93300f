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

// Of variants that build on each other: arm's v5 to v8, amd64's v1 to v4 (levels of the x86-64
// psABI). 0 for all others.
int level_of(const Platform& platform) {
  const bool amd64 = platform.architecture == "amd64";
  if (!amd64 && platform.architecture != "arm") return 0;
  if (amd64 && platform.variant.empty()) return 1;
  if (platform.variant.size() != 2 || platform.variant[0] != 'v') return 0;
  const int level = platform.variant[1] - '0';
  const bool known = amd64 ? level >= 1 && level <= 4 : level >= 5 && level <= 8;
  return known ? level : 0;
}

#if defined(__x86_64__)
const char* amd64_variant() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "v4";
  if (__builtin_cpu_supports("x86-64-v3")) return "v3";
  if (__builtin_cpu_supports("x86-64-v2")) return "v2";
  return "";
}
#endif

}  // namespace

Platform Platform::host() {
#if defined(__x86_64__)
  return {"linux", "amd64", amd64_variant()};
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
  const int gap = level_of(have) - level_of(want);
  return level_of(want) > 0 && gap > 0 ? 100 - gap : 0;
}

}  // namespace podpilot::oci
