// SPDX-License-Identifier: Apache-2.0
#include "oci/config.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "oci/limits.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

Error bad(std::string text) {
  return {Fault::invalid, std::move(text)};
}

Result<std::string> read_string(JsonObject& object, const char* key) {
  const std::optional<std::string> value = TRY(object.string(key));
  if (value && value->contains('\0'))
    return bad(fmt::format("{}: has a NUL character in it", object.path(key)));
  return value.value_or("");
}

Result<std::vector<std::string>> read_strings(JsonObject& object, const char* key) {
  std::vector<std::string> values = TRY(object.strings(key));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].contains('\0'))
      return bad(
          fmt::format("{}: has a NUL character in it", object.path(fmt::format("{}[{}]", key, i))));
  return values;
}

Result<void> read_process(JsonObject& top, ImageConfig& out) {
  const Json* value = top.member("config");
  if (!value) return {};
  JsonObject object = TRY(JsonObject::of(*value, "config"));
  out.env = TRY(read_strings(object, "Env"));
  out.entrypoint = TRY(read_strings(object, "Entrypoint"));
  out.cmd = TRY(read_strings(object, "Cmd"));
  out.working_dir = TRY(read_string(object, "WorkingDir"));
  out.user = TRY(read_string(object, "User"));
  out.stop_signal = TRY(read_string(object, "StopSignal"));
  return {};
}

Result<std::vector<Digest>> read_diff_ids(JsonObject& top) {
  const Json* value = top.member("rootfs");
  if (!value) return bad("rootfs: is missing");
  JsonObject object = TRY(JsonObject::of(*value, "rootfs"));
  const std::string type = TRY(object.required_string("type"));
  if (type != "layers")
    return Error{Fault::unsupported, fmt::format("rootfs.type: \"{}\" is not known, only layers",
                                                 printable(type.substr(0, 100)))};
  const std::vector<std::string> texts = TRY(object.strings("diff_ids"));
  std::vector<Digest> out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    Digest digest =
        TRY(Digest::parse(texts[i]).within(object.path(fmt::format("diff_ids[{}]", i))));
    out.push_back(std::move(digest));
  }
  return out;
}

}  // namespace

Result<ImageConfig> parse_config(std::string_view bytes, std::size_t layers) {
  if (bytes.size() > kMaxConfigBytes)
    return bad(fmt::format("has {} bytes, at most {} are allowed", bytes.size(), kMaxConfigBytes));
  const Json json = TRY(parse_json(bytes));
  JsonObject top = TRY(JsonObject::of(json, ""));
  ImageConfig out;
  out.platform.os = TRY(read_string(top, "os"));
  out.platform.architecture = TRY(read_string(top, "architecture"));
  out.platform.variant = TRY(read_string(top, "variant"));
  TRY(read_process(top, out));
  out.diff_ids = TRY(read_diff_ids(top));
  if (out.diff_ids.size() != layers)
    return Error{Fault::corrupt, fmt::format("rootfs.diff_ids: has {} entries for {} layers",
                                             out.diff_ids.size(), layers)};
  return out;
}

}  // namespace podpilot::oci
