// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace podpilot::agent {

struct Library {
  std::string_view name;
  std::string_view version;  // the distribution's, patches and all: "7.88.1-10+deb12u15"
};

// What this binary was made of. All of it is static storage.
struct BuildInfo {
  std::string_view version;            // "0.1.0"
  std::string_view commit;             // abbreviated, "-dirty" if files differed; "" outside of git
  std::string_view compiler;           // "GNU 12.2.0"
  std::string_view target;             // "x86_64-linux-gnu"
  std::span<const Library> libraries;  // what is linked or compiled in, sorted by name
};

const BuildInfo& build_info();

}  // namespace podpilot::agent
