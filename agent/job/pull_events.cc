// SPDX-License-Identifier: Apache-2.0
#include "agent/job/pull_events.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "sandbox/base/json.h"

namespace podpilot::agent {
namespace {

constexpr std::array kStates = {"waiting", "pulling", "done", "present"};

Json as_json(const LayerProgress& layer) {
  return {{"event", "layer"},
          {"digest", layer.digest},
          {"state", kStates[static_cast<std::size_t>(layer.state)]},
          {"done", layer.done},
          {"total", layer.total},
          {"layers", layer.layers}};
}
Json as_json(const PullReady& ready) {
  return {{"event", "ready"},
          {"manifest", ready.manifest},
          {"bytes", ready.bytes},
          {"layers_pulled", ready.pulled},
          {"layers_present", ready.present},
          {"asking_ms", ready.asking.count()},
          {"layers_ms", ready.layers.count()},
          {"finishing_ms", ready.finishing.count()}};
}
Json as_json(const PullOverload& overload) {
  return {{"event", "overload"}, {"wait_ms", overload.wait.count()}};
}
Json as_json(const PullFailed& failed) {
  return {
      {"event", "failed"}, {"fault", std::string(to_string(failed.fault))}, {"text", failed.text}};
}

Fault parse_fault(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Fault::internal); ++i)
    if (to_string(static_cast<Fault>(i)) == name) return static_cast<Fault>(i);
  return Fault::internal;
}

Result<std::uint64_t> count(JsonObject& object, const char* key) {
  const std::int64_t value = TRY(object.required_integer(key));
  if (value < 0) return Error{Fault::invalid, object.path(key) + ": is negative"};
  return static_cast<std::uint64_t>(value);
}

Result<std::chrono::milliseconds> duration(JsonObject& object, const char* key) {
  const std::uint64_t value = TRY(count(object, key));
  return std::chrono::milliseconds(value);
}

Result<PullEvent> parse_layer(JsonObject& object) {
  LayerProgress layer;
  layer.digest = TRY(object.required_string("digest"));
  const std::string state = TRY(object.required_string("state"));
  const auto* const known = std::ranges::find(kStates, state);
  if (known == kStates.end()) return Error{Fault::invalid, object.path("state") + ": unknown"};
  layer.state = static_cast<LayerState>(known - kStates.begin());
  layer.done = TRY(count(object, "done"));
  layer.total = TRY(count(object, "total"));
  layer.layers = TRY(count(object, "layers"));
  return PullEvent(layer);
}

Result<PullEvent> parse_ready(JsonObject& object) {
  PullReady ready;
  ready.manifest = TRY(object.required_string("manifest"));
  ready.bytes = TRY(count(object, "bytes"));
  ready.pulled = TRY(count(object, "layers_pulled"));
  ready.present = TRY(count(object, "layers_present"));
  ready.asking = TRY(duration(object, "asking_ms"));
  ready.layers = TRY(duration(object, "layers_ms"));
  ready.finishing = TRY(duration(object, "finishing_ms"));
  return PullEvent(std::move(ready));
}

}  // namespace

std::string format_pull_event(const PullEvent& event) {
  return dump_json(std::visit([](const auto& e) { return as_json(e); }, event)) + "\n";
}

Result<PullEvent> parse_pull_event(std::string_view line) {
  const Json value = TRY(parse_json(line, 2));
  JsonObject object = TRY(JsonObject::of(value, ""));
  const std::string kind = TRY(object.required_string("event"));
  if (kind == "layer") return parse_layer(object);
  if (kind == "ready") return parse_ready(object);
  if (kind == "overload") {
    const std::chrono::milliseconds wait = TRY(duration(object, "wait_ms"));
    return PullEvent(PullOverload{wait});
  }
  const std::string fault = TRY(object.required_string("fault"));
  const std::string text = TRY(object.required_string("text"));
  return PullEvent(PullFailed{parse_fault(fault), text});
}

}  // namespace podpilot::agent
