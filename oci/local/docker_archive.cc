// SPDX-License-Identifier: Apache-2.0
#include "oci/local/docker_archive.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "oci/config.h"
#include "oci/layer/decompress.h"
#include "oci/limits.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr const char* kLayerType = "application/vnd.oci.image.layer.v1.tar";

struct Saved {
  std::string config;
  std::vector<std::string> layers;
};

Result<Saved> parse_saved(std::string_view bytes) {
  const Json json = TRY(parse_json(bytes));
  if (!json.is_array() || json.empty()) return Error{Fault::invalid, "must be a list of images"};
  if (json.size() > 1)
    return Error{Fault::unsupported,
                 fmt::format("the archive has {} images: save one at a time", json.size())};
  JsonObject image = TRY(JsonObject::of(json[0], ""));
  Saved out;
  out.config = TRY(image.required_string("Config"));
  out.layers = TRY(image.strings("Layers"));
  if (out.layers.size() > kMaxLayers)
    return Error{Fault::unsupported, fmt::format("more than {} layers", kMaxLayers)};
  return out;
}

// Layers are plain tars, of which the config has the digests; some tools leave them compressed.
Result<Digest> digest_of(ImageFiles& files, const std::string& name) {
  Sha256 sum;
  TRY(files.stream(name, [&sum](std::string_view bytes) -> Result<void> {
    sum.update(bytes);
    return {};
  }));
  return sum.finish();
}

Result<bool> is_compressed(ImageFiles& files, const std::string& name) {
  std::string head;
  const Error enough{Fault::internal, "enough"};
  const Result<void> read = files.stream(name, [&](std::string_view bytes) -> Result<void> {
    head += bytes.substr(0, kMagicBytes - head.size());
    if (head.size() < kMagicBytes) return {};
    return enough;
  });
  if (!read && head.size() < kMagicBytes) return read.error();
  return is_gzip_or_zstd(head);
}

Json descriptor_of(const char* type, const Digest& digest, std::uint64_t size) {
  return {{"mediaType", type}, {"digest", digest.str()}, {"size", size}};
}

}  // namespace

Result<std::unique_ptr<DockerArchiveSource>> DockerArchiveSource::open(
    std::unique_ptr<ImageFiles> files) {
  std::unique_ptr<DockerArchiveSource> out(new DockerArchiveSource(std::move(files)));
  TRY(out->describe());
  return out;
}

Result<void> DockerArchiveSource::describe() {
  const std::string saved_bytes = TRY(files_->read("manifest.json", kMaxManifestBytes));
  const Saved saved = TRY(parse_saved(saved_bytes).within("manifest.json"));
  const std::string config_bytes = TRY(files_->read(saved.config, kMaxConfigBytes));
  const ImageConfig config =
      TRY(parse_config(config_bytes, saved.layers.size()).within(printable(saved.config)));
  const Digest config_digest = Digest::of(config_bytes);
  names_.emplace(config_digest, saved.config);
  Json layers = Json::array();
  for (std::size_t i = 0; i < saved.layers.size(); ++i) {
    const std::string& name = saved.layers[i];
    const std::uint64_t size = TRY(files_->size(name));
    const bool compressed = TRY(is_compressed(*files_, name));
    Digest digest = config.diff_ids[i];
    if (compressed) digest = TRY(digest_of(*files_, name));
    names_.emplace(digest, name);
    layers.push_back(descriptor_of(kLayerType, digest, size));
  }
  manifest_ = dump_json({{"schemaVersion", 2},
                         {"mediaType", kManifestType},
                         {"config", descriptor_of(kConfigType, config_digest, config_bytes.size())},
                         {"layers", std::move(layers)}});
  return {};
}

Result<Document> DockerArchiveSource::root_manifest() {
  return Document{kManifestType, manifest_, Digest::of(manifest_)};
}

Result<Document> DockerArchiveSource::manifest(const Descriptor& descriptor) {
  return Error{Fault::not_found, descriptor.digest.str() + ": an archive of docker's has no index"};
}

Result<void> DockerArchiveSource::blob(const Descriptor& descriptor, const Sink& sink) {
  const auto found = names_.find(descriptor.digest);
  if (found == names_.end())
    return Error{Fault::not_found, descriptor.digest.str() + ": is not in the archive"};
  return files_->stream_blob(found->second, descriptor.size, sink);
}

}  // namespace podpilot::oci
