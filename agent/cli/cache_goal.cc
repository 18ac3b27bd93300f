// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/cache_goal.h"

#include <fmt/format.h>

#include "sandbox/base/text.h"

namespace podpilot::agent {

Result<oci::GcGoal> cache_goal(const Options& options, std::string_view size,
                               std::string_view free) {
  constexpr std::uint64_t kAll = 100;
  oci::GcGoal goal;
  if (options.has(size)) goal.keep_bytes = TRY(options.bytes(size));
  if (!options.has(free)) return goal;
  const std::string text = options.text(free);
  if (const auto bytes = parse_bytes(text)) {
    goal.free_bytes = *bytes;
    return goal;
  }
  const auto percent = text.ends_with('%')
                           ? parse_number(std::string_view(text).substr(0, text.size() - 1))
                           : std::nullopt;
  if (!percent || *percent > kAll)
    return Error{Fault::invalid, fmt::format("--{} \"{}\": must be a size such as 20GiB, or a "
                                             "share of the volume such as 15%",
                                             free, printable(text))};
  goal.free_percent = static_cast<unsigned>(*percent);
  return goal;
}

}  // namespace podpilot::agent
