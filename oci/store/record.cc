// SPDX-License-Identifier: Apache-2.0
#include "oci/store/record.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sandbox/base/json.h"

namespace podpilot::oci {
namespace {

Result<Digest> required_digest(JsonObject& object, const char* key) {
  const std::string text = TRY(object.required_string(key));
  return Digest::parse(text).within(object.path(key));
}

}  // namespace

std::string ImageRecord::str() const {
  Json json = {{"diff_ids", Json::array()}};
  json["manifest"] = manifest.str();
  json["platform"] = platform;
  json["config"] = config;
  for (const Digest& id : diff_ids) json["diff_ids"].push_back(id.str());
  json["fixup"] = fixup;
  json["boot"] = boot;
  json["size"] = size;
  json["created"] = created;
  return dump_json(json);
}

Result<ImageRecord> ImageRecord::parse(std::string_view text) {
  const Json json = TRY(parse_json(text));
  JsonObject object = TRY(JsonObject::of(json, ""));
  Digest manifest = TRY(required_digest(object, "manifest"));
  ImageRecord record{std::move(manifest), {}, {}, {}, {}, {}};
  record.platform = TRY(object.required_string("platform"));
  record.config = TRY(object.required_string("config"));
  const std::vector<std::string> ids = TRY(object.strings("diff_ids"));
  for (const std::string& id : ids) {
    Digest digest = TRY(Digest::parse(id).within("diff_ids"));
    record.diff_ids.push_back(std::move(digest));
  }
  record.fixup = TRY(object.required_string("fixup"));
  record.boot = TRY(object.required_string("boot"));
  const std::int64_t size = TRY(object.required_integer("size"));
  record.size = static_cast<std::uint64_t>(size);
  record.created = TRY(object.required_integer("created"));
  if (record.fixup.empty() || record.fixup.find('/') != std::string::npos ||
      record.fixup.starts_with('.'))
    return Error{Fault::corrupt, "fixup: is not a name"};
  return record;
}

std::string RefRecord::str() const {
  Json json;
  json["reference"] = reference;
  json["platform"] = platform;
  json["manifest"] = manifest.str();
  if (root) json["root"] = root->str();
  json["resolved"] = resolved;
  return dump_json(json);
}

Result<RefRecord> RefRecord::parse(std::string_view text) {
  const Json json = TRY(parse_json(text));
  JsonObject object = TRY(JsonObject::of(json, ""));
  Digest manifest = TRY(required_digest(object, "manifest"));
  RefRecord record{{}, {}, std::move(manifest), {}};
  if (object.member("root")) record.root = TRY(required_digest(object, "root"));
  record.reference = TRY(object.required_string("reference"));
  record.platform = TRY(object.required_string("platform"));
  record.resolved = TRY(object.required_integer("resolved"));
  return record;
}

std::vector<Digest> stacked(const std::vector<Digest>& diff_ids) {
  std::vector<Digest> stack;
  for (auto id = diff_ids.rbegin(); id != diff_ids.rend(); ++id)
    if (std::ranges::find(stack, *id) == stack.end()) stack.push_back(*id);
  std::ranges::reverse(stack);
  return stack;
}

}  // namespace podpilot::oci
