// SPDX-License-Identifier: Apache-2.0
// What a pull's child tells its parent: one JSON object a line. It also is what `podpilot pull
// --json` prints for scripts:
//   {"event":"layer","digest":"sha256:...","state":"pulling","done":123,"total":456,"layers":9}
//   {"event":"ready","manifest":"sha256:...","bytes":456,"layers_pulled":8,"layers_present":1,
//    "asking_ms":12,"layers_ms":345,"finishing_ms":6}
//   {"event":"overload","wait_ms":5000}   the registry said so: leave it alone for that long
//   {"event":"failed","fault":"not_found","text":"..."}
// A state is waiting, pulling, done or present (in the cache already: done at once). Bytes are
// compressed ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "sandbox/base/result.h"

namespace podpilot::agent {

enum class LayerState { waiting, pulling, done, present };

struct LayerProgress {
  std::string digest;
  LayerState state = LayerState::waiting;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::uint64_t layers = 0;  // of the image

  bool operator==(const LayerProgress&) const = default;
};
struct PullReady {
  std::string manifest;
  std::uint64_t bytes = 0;  // of the layers that were pulled
  std::uint64_t pulled = 0;
  std::uint64_t present = 0;
  std::chrono::milliseconds asking{0};  // for manifest and config
  std::chrono::milliseconds layers{0};  // from the first byte of the first to the last one unpacked
  std::chrono::milliseconds finishing{0};  // the fix-up layer and the record in the store
  bool operator==(const PullReady&) const = default;
};
struct PullOverload {
  std::chrono::milliseconds wait{0};
  bool operator==(const PullOverload&) const = default;
};
struct PullFailed {
  Fault fault = Fault::internal;
  std::string text;
  bool operator==(const PullFailed&) const = default;
};
using PullEvent = std::variant<LayerProgress, PullReady, PullOverload, PullFailed>;

inline constexpr std::size_t kMaxPullEventBytes = 64 << 10;

std::string format_pull_event(const PullEvent& event);  // with the newline
Result<PullEvent> parse_pull_event(std::string_view line);

}  // namespace podpilot::agent
