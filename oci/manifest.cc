// SPDX-License-Identifier: Apache-2.0
#include "oci/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "oci/limits.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

Error bad(std::string text) {
  return {Fault::invalid, std::move(text)};
}

std::string shown(std::string_view text) {
  return printable(text.substr(0, 200));
}

Result<Descriptor> read_descriptor(JsonObject& object, std::uint64_t max_size) {
  const std::string type = TRY(object.required_string("mediaType"));
  const std::string digest_text = TRY(object.required_string("digest"));
  Digest digest = TRY(Digest::parse(digest_text).within(object.path("digest")));
  const std::int64_t size = TRY(object.required_integer("size"));
  if (size < 0) return bad(fmt::format("{}: is negative", object.path("size")));
  if (static_cast<std::uint64_t>(size) > max_size)
    return bad(fmt::format("{}: {} are more than the limit of {}", object.path("size"),
                           human_bytes(static_cast<std::uint64_t>(size)), human_bytes(max_size)));
  return Descriptor{media_type_of(type), std::move(digest), static_cast<std::uint64_t>(size)};
}

// The array `key` of `top`; `limit` elements at most.
Result<const Json*> read_array(JsonObject& top, const char* key, std::size_t limit) {
  const Json* array = top.member(key);
  if (!array || !array->is_array()) return bad(fmt::format("{}: must be a list", key));
  if (array->size() > limit)
    return Error{Fault::unsupported, fmt::format("{}: has {} entries, at most {} are supported",
                                                 key, array->size(), limit)};
  return array;
}

Result<Layer> read_layer(const Json& value, std::size_t number) {
  const std::string where = fmt::format("layers[{}]", number);
  JsonObject object = TRY(JsonObject::of(value, where));
  Descriptor descriptor = TRY(read_descriptor(object, kMaxLayerBytes));
  const Compression compression = TRY(layer_compression(descriptor.media_type).within(where));
  return Layer{std::move(descriptor), compression};
}

Result<ImageManifest> read_image(JsonObject& top) {
  const Json* config = top.member("config");
  if (!config) return bad("config: is missing");
  JsonObject object = TRY(JsonObject::of(*config, "config"));
  Descriptor descriptor = TRY(read_descriptor(object, kMaxConfigBytes));
  ImageManifest out{std::move(descriptor), {}};
  if (!is_image_config(out.config.media_type))
    return Error{Fault::unsupported, fmt::format("is no container image: its config is of type {}",
                                                 shown(out.config.media_type))};
  const Json* layers = TRY(read_array(top, "layers", kMaxLayers));
  for (std::size_t i = 0; i < layers->size(); ++i) {
    Layer layer = TRY(read_layer((*layers)[i], i));
    out.layers.push_back(std::move(layer));
  }
  return out;
}

Result<std::optional<Platform>> read_platform(JsonObject& entry) {
  const Json* value = entry.member("platform");
  if (!value) return std::optional<Platform>();
  JsonObject object = TRY(JsonObject::of(*value, entry.path("platform")));
  Platform out;
  out.os = TRY(object.required_string("os"));
  out.architecture = TRY(object.required_string("architecture"));
  const std::optional<std::string> variant = TRY(object.string("variant"));
  out.variant = variant.value_or("");
  return std::optional(std::move(out));
}

// BuildKit marks what it knows about an image twice: platform unknown/unknown, and an annotation.
Result<bool> is_attestation(JsonObject& entry, const std::optional<Platform>& platform) {
  if (platform && platform->os == "unknown" && platform->architecture == "unknown") return true;
  const auto annotations = TRY(entry.string_map("annotations"));
  return annotations.contains("vnd.docker.reference.type");
}

Result<IndexEntry> read_entry(const Json& value, std::size_t number) {
  JsonObject object = TRY(JsonObject::of(value, fmt::format("manifests[{}]", number)));
  Descriptor descriptor = TRY(read_descriptor(object, kMaxManifestBytes));
  std::optional<Platform> platform = TRY(read_platform(object));
  const bool attestation = TRY(is_attestation(object, platform));
  return IndexEntry{std::move(descriptor), std::move(platform), attestation};
}

Result<Index> read_index(JsonObject& top) {
  Index out;
  const Json* manifests = TRY(read_array(top, "manifests", kMaxIndexManifests));
  for (std::size_t i = 0; i < manifests->size(); ++i) {
    IndexEntry entry = TRY(read_entry((*manifests)[i], i));
    out.entries.push_back(std::move(entry));
  }
  return out;
}

Error schema1() {
  return {Fault::unsupported,
          "is in docker's schema 1 format, which podpilot does not read: push the image again with "
          "a tool of this decade (skopeo copy does it)"};
}

// What Content-Type and the mediaType member agree on; generic where both say nothing.
Result<DocumentKind> agree(JsonObject& top, const std::string& served) {
  const std::optional<std::string> said = TRY(top.string("mediaType"));
  const std::string inner = media_type_of(said.value_or(""));
  const DocumentKind outer_kind = document_kind(served);
  const DocumentKind inner_kind = document_kind(inner);
  if (outer_kind == DocumentKind::schema1 || inner_kind == DocumentKind::schema1) return schema1();
  if (said && outer_kind != DocumentKind::generic && inner != served)
    return bad(fmt::format("was served as {} but calls itself {}", shown(served), shown(inner)));
  const bool outer_counts = outer_kind != DocumentKind::generic;
  const DocumentKind kind = outer_counts ? outer_kind : inner_kind;
  if (kind == DocumentKind::unknown)
    return Error{Fault::unsupported, fmt::format("is of type {}, which is no image",
                                                 shown(outer_counts ? served : inner))};
  return kind;
}

// The third witness: the members that are there.
Result<DocumentKind> kind_of(JsonObject& top, const std::string& served) {
  const DocumentKind said = TRY(agree(top, served));
  const bool as_image = top.member("layers") || top.member("config");
  const bool as_index = top.member("manifests") != nullptr;
  if (top.member("fsLayers")) return bad("has members of schema 1 beside those of schema 2");
  if (as_image && as_index) return bad("has both layers and manifests: it could be read two ways");
  const DocumentKind form = as_index ? DocumentKind::index : DocumentKind::manifest;
  if (said == DocumentKind::generic || said == form) return form;
  return bad(as_index ? "says that it is an image but lists manifests"
                      : "says that it is an index but lists no manifests");
}

// The Content-Type of a page that is no manifest at all, which parse errors would only obscure.
Result<void> refuse_web_page(std::string_view served) {
  if (served != "text/html" && served != "application/xhtml+xml") return {};
  return bad("is a web page: the host is no registry, or a proxy or login page stands before it");
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view bytes, std::string_view media_type) {
  const std::string served = media_type_of(media_type);
  TRY(refuse_web_page(served));
  if (bytes.size() > kMaxManifestBytes)
    return bad(
        fmt::format("has {} bytes, at most {} are allowed", bytes.size(), kMaxManifestBytes));
  const Json json = TRY(parse_json(bytes));
  JsonObject top = TRY(JsonObject::of(json, ""));
  const std::int64_t version = TRY(top.required_integer("schemaVersion"));
  if (version == 1) return schema1();
  if (version != 2)
    return Error{Fault::unsupported, fmt::format("schemaVersion {} is not known, only 2", version)};
  const DocumentKind kind = TRY(kind_of(top, served));
  if (kind == DocumentKind::index) {
    Index index = TRY(read_index(top));
    return Manifest(std::move(index));
  }
  ImageManifest image = TRY(read_image(top));
  return Manifest(std::move(image));
}

Result<Descriptor> choose(const Index& index, const Platform& machine) {
  const IndexEntry* best = nullptr;
  int best_score = -1;
  std::set<std::string> others;
  for (const IndexEntry& entry : index.entries) {
    const DocumentKind kind = document_kind(entry.descriptor.media_type);
    if (entry.attestation || (kind != DocumentKind::manifest && kind != DocumentKind::index))
      continue;
    const int score = entry.platform ? suitability(machine, *entry.platform) : 0;
    if (entry.platform && score == 0) {
      others.insert(printable(entry.platform->str()));
      continue;
    }
    if (score > best_score) {
      best = &entry;
      best_score = score;
    }
  }
  if (best) return best->descriptor;
  if (others.empty()) return Error{Fault::unsupported, "the index lists no image at all"};
  std::string list = fmt::format("{}", fmt::join(others, ", "));
  if (list.size() > 300) list = list.substr(0, 297) + "...";
  return Error{Fault::unsupported,
               fmt::format("there is no image for {}; there is {}", machine.str(), list)};
}

}  // namespace podpilot::oci
