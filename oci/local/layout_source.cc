// SPDX-License-Identifier: Apache-2.0
#include "oci/local/layout_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "oci/document_check.h"
#include "oci/limits.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr const char* kTagKey = "org.opencontainers.image.ref.name";
constexpr std::size_t kTagsShown = 5;

struct Tagged {
  std::string tag;
  Descriptor descriptor;
};

std::string blob_name(const Digest& digest) {
  return "blobs/sha256/" + digest.hex();
}

Result<void> check_version(std::string_view bytes) {
  const Json json = TRY(parse_json(bytes));
  JsonObject object = TRY(JsonObject::of(json, ""));
  const std::string version = TRY(object.required_string("imageLayoutVersion"));
  if (version.starts_with("1.")) return {};
  return Error{Fault::unsupported, "image layout version " + printable(version)};
}

Result<Tagged> parse_tagged(const Json& value, std::string where) {
  JsonObject object = TRY(JsonObject::of(value, std::move(where)));
  const std::optional<std::string> type = TRY(object.string("mediaType"));
  const std::string digest_text = TRY(object.required_string("digest"));
  const Digest digest = TRY(Digest::parse(digest_text).within(object.path("digest")));
  const std::int64_t size = TRY(object.required_integer("size"));
  if (size < 0) return Error{Fault::invalid, object.path("size") + ": is negative"};
  std::map<std::string, std::string> annotations = TRY(object.string_map("annotations"));
  return Tagged{annotations[kTagKey],
                {type.value_or(""), digest, static_cast<std::uint64_t>(size)}};
}

Result<std::vector<Tagged>> parse_layout_index(std::string_view bytes) {
  const Json json = TRY(parse_json(bytes));
  JsonObject object = TRY(JsonObject::of(json, ""));
  const Json* manifests = object.member("manifests");
  if (!manifests || !manifests->is_array())
    return Error{Fault::invalid, "manifests: must be a list"};
  if (manifests->size() > kMaxIndexManifests)
    return Error{Fault::invalid, fmt::format("more than {} manifests", kMaxIndexManifests)};
  std::vector<Tagged> out;
  for (std::size_t i = 0; i < manifests->size(); ++i) {
    Tagged tagged = TRY(parse_tagged((*manifests)[i], fmt::format("manifests[{}]", i)));
    out.push_back(std::move(tagged));
  }
  return out;
}

Result<Descriptor> choose_tagged(const std::vector<Tagged>& images, const std::string& tag) {
  std::vector<std::string> tags;
  for (const Tagged& image : images) {
    if (!tag.empty() && image.tag == tag) return image.descriptor;
    if (!image.tag.empty() && tags.size() < kTagsShown) tags.push_back(printable(image.tag));
  }
  if (tag.empty() && images.size() == 1) return images.front().descriptor;
  const std::string known =
      tags.empty() ? "none of them has a tag" : fmt::format("it has {}", fmt::join(tags, ", "));
  if (tag.empty() && !images.empty())
    return Error{Fault::invalid,
                 fmt::format("the layout has {} images: which? ({})", images.size(), known)};
  return Error{Fault::not_found, fmt::format("the layout has no image {} ({})", tag, known)};
}

}  // namespace

Result<Document> LayoutSource::root_manifest() {
  const std::string version = TRY(files_->read("oci-layout", kMaxManifestBytes));
  TRY(check_version(version).within("oci-layout"));
  const std::string index = TRY(files_->read("index.json", kMaxManifestBytes));
  const std::vector<Tagged> images = TRY(parse_layout_index(index).within("index.json"));
  const Descriptor chosen = TRY(choose_tagged(images, tag_));
  return manifest(chosen);
}

Result<Document> LayoutSource::manifest(const Descriptor& descriptor) {
  const std::string name = blob_name(descriptor.digest);
  std::string bytes = TRY(files_->read(name, kMaxManifestBytes));
  const Digest digest = Digest::of(bytes);
  TRY(check_document(bytes.size(), digest, descriptor).within(name));
  return Document{descriptor.media_type, std::move(bytes), digest};
}

Result<void> LayoutSource::blob(const Descriptor& descriptor, const Sink& sink) {
  return files_->stream_blob(blob_name(descriptor.digest), descriptor.size, sink);
}

}  // namespace podpilot::oci
