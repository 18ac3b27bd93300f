// SPDX-License-Identifier: Apache-2.0
#include "agent/job/pull_events.h"

#include <nlohmann/json.hpp>

#include "sandbox/base/json.h"

namespace podpilot::agent {
namespace {

Json as_json(const LayerProgress& layer) {
  return {{"event", "layer"},
          {"digest", layer.digest},
          {"done", layer.done},
          {"total", layer.total},
          {"layers", layer.layers}};
}
Json as_json(const PullReady& ready) {
  return {{"event", "ready"}, {"manifest", ready.manifest}};
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

Result<PullEvent> parse_layer(JsonObject& object) {
  LayerProgress layer;
  layer.digest = TRY(object.required_string("digest"));
  const std::int64_t done = TRY(object.required_integer("done"));
  const std::int64_t total = TRY(object.required_integer("total"));
  const std::int64_t layers = TRY(object.required_integer("layers"));
  layer.done = static_cast<std::uint64_t>(done);
  layer.total = static_cast<std::uint64_t>(total);
  layer.layers = static_cast<std::uint64_t>(layers);
  return PullEvent(layer);
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
  if (kind == "ready") {
    std::string manifest = TRY(object.required_string("manifest"));
    return PullEvent(PullReady{std::move(manifest)});
  }
  const std::string fault = TRY(object.required_string("fault"));
  const std::string text = TRY(object.required_string("text"));
  return PullEvent(PullFailed{parse_fault(fault), text});
}

}  // namespace podpilot::agent
