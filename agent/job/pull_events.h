// SPDX-License-Identifier: Apache-2.0
// What a pull's child tells its parent: one JSON object a line. It also is what
// `podpilot pull --events-fd` prints for scripts:
//   {"event":"layer","digest":"sha256:...","done":123,"total":456,"layers":9}
//   {"event":"ready","manifest":"sha256:..."}
//   {"event":"failed","fault":"not_found","text":"..."}
// `done` and `total` are compressed bytes; a layer that was there already is done at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "sandbox/base/result.h"

namespace podpilot::agent {

struct LayerProgress {
  std::string digest;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::uint64_t layers = 0;  // of the image

  bool operator==(const LayerProgress&) const = default;
};
struct PullReady {
  std::string manifest;
  bool operator==(const PullReady&) const = default;
};
struct PullFailed {
  Fault fault = Fault::internal;
  std::string text;
  bool operator==(const PullFailed&) const = default;
};
using PullEvent = std::variant<LayerProgress, PullReady, PullFailed>;

inline constexpr std::size_t kMaxPullEventBytes = 64 << 10;

std::string format_pull_event(const PullEvent& event);  // with the newline
Result<PullEvent> parse_pull_event(std::string_view line);

}  // namespace podpilot::agent
