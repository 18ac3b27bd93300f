// SPDX-License-Identifier: Apache-2.0
// HTCondor pools that have a short name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace podpilot::agent {

// Lists as --scheduler and --ccb take them, and an expression as --start does, which counts beside
// that; "" for none.
struct KnownPool {
  std::string collectors;
  std::string brokers;
  std::string start;
};

// These pools spread pilots over several daemons behind a shared port; `random` chooses. Nothing
// where no pool has this name.
std::optional<KnownPool> known_pool(std::string_view name, std::uint64_t random);

}  // namespace podpilot::agent
