// SPDX-License-Identifier: Apache-2.0
#include "agent/version.h"

#include <algorithm>
#include <string_view>

#include "test/catch.h"

namespace podpilot::agent {
namespace {

TEST_CASE("the build names its version, compiler and target", "[agent][version]") {
  const BuildInfo& info = build_info();
  CHECK(std::ranges::count(info.version, '.') == 2);
  CHECK_FALSE(info.compiler.empty());
  CHECK_FALSE(info.target.empty());
}

TEST_CASE("the build lists every library it links, sorted and with a version", "[agent][version]") {
  const auto libraries = build_info().libraries;
  CHECK(std::ranges::is_sorted(libraries, {}, &Library::name));
  CHECK(std::ranges::none_of(libraries, [](const Library& l) { return l.version.empty(); }));
  for (std::string_view name : {"curl", "glibc", "isa-l", "libarchive", "openssl", "zstd"}) {
    CAPTURE(name);
    CHECK(std::ranges::find(libraries, name, &Library::name) != libraries.end());
  }
}

}  // namespace
}  // namespace podpilot::agent
