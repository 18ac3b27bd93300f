// SPDX-License-Identifier: Apache-2.0
#include "test/support/image_builder.h"

#include <nlohmann/json.hpp>

#include "oci/platform.h"
#include "sandbox/base/json.h"
#include "test/support/tar_builder.h"

namespace podpilot::test {
namespace {

constexpr const char* kManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr const char* kIndex = "application/vnd.oci.image.index.v1+json";
constexpr const char* kConfig = "application/vnd.oci.image.config.v1+json";
constexpr const char* kLayer = "application/vnd.oci.image.layer.v1.tar";

Json describe(const oci::Descriptor& descriptor) {
  return {{"mediaType", descriptor.media_type},
          {"digest", descriptor.digest.str()},
          {"size", descriptor.size}};
}

}  // namespace

ImageSource::ImageSource(const std::vector<std::string>& tars) : root_type_(kManifest) {
  Json layers = Json::array();
  Json ids = Json::array();
  for (std::size_t i = 0; i < tars.size(); ++i) {
    const bool packed = i % 2 == 0;
    layers_.push_back(
        put(packed ? std::string(kLayer) + "+gzip" : kLayer, packed ? gzip(tars[i]) : tars[i]));
    diff_ids_.push_back(oci::Digest::of(tars[i]));
    layers.push_back(describe(layers_.back()));
    ids.push_back(diff_ids_.back().str());
  }
  const oci::Platform host = oci::Platform::host();
  const Json config = {{"architecture", host.architecture},
                       {"os", host.os},
                       {"config", {{"Env", {"A=b"}}}},
                       {"rootfs", {{"type", "layers"}, {"diff_ids", ids}}}};
  const Json manifest = {{"schemaVersion", 2},
                         {"mediaType", kManifest},
                         {"config", describe(put(kConfig, dump_json(config)))},
                         {"layers", layers}};
  root_ = dump_json(manifest);
}

oci::Descriptor ImageSource::put(std::string media_type, const std::string& bytes) {
  const oci::Digest digest = oci::Digest::of(bytes);
  blobs_.insert_or_assign(digest, bytes);
  return {std::move(media_type), digest, bytes.size()};
}

void ImageSource::wrap_in_index() {
  Json ours = describe(put(root_type_, root_));
  const oci::Platform host = oci::Platform::host();
  ours["platform"] = {{"os", host.os}, {"architecture", host.architecture}};
  Json other = describe(put(kManifest, "{}"));
  other["platform"] = {{"os", "plan9"}, {"architecture", "vax"}};
  root_ = dump_json({{"schemaVersion", 2}, {"mediaType", kIndex}, {"manifests", {other, ours}}});
  root_type_ = kIndex;
}

void ImageSource::write_layout(const TempDir& dir, const std::string& tag) const {
  for (const auto& [digest, bytes] : blobs_) dir.write("blobs/sha256/" + digest.hex(), bytes);
  const oci::Digest root = oci::Digest::of(root_);
  dir.write("blobs/sha256/" + root.hex(), root_);
  dir.write("oci-layout", R"({"imageLayoutVersion": "1.0.0"})");
  Json entry = describe({root_type_, root, root_.size()});
  entry["annotations"] = {{"org.opencontainers.image.ref.name", tag}};
  dir.write("index.json", dump_json({{"schemaVersion", 2}, {"manifests", {entry}}}));
}

void ImageSource::serve_instead(const oci::Digest& digest, std::string bytes) {
  blobs_.insert_or_assign(digest, std::move(bytes));
}

Result<oci::Document> ImageSource::root_manifest() {
  ++roots_;
  return oci::Document{root_type_, root_, oci::Digest::of(root_)};
}

Result<oci::Document> ImageSource::manifest(const oci::Descriptor& descriptor) {
  const std::string& bytes = blobs_.at(descriptor.digest);
  return oci::Document{descriptor.media_type, bytes, oci::Digest::of(bytes)};
}

Result<void> ImageSource::blob(const oci::Descriptor& descriptor, const oci::Sink& sink) {
  ++served_;
  if (before_blob) TRY(before_blob(descriptor));
  const std::string_view bytes = blobs_.at(descriptor.digest);
  constexpr std::size_t kPiece = 16 << 10;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) TRY(sink(bytes.substr(at, kPiece)));
  return {};
}

}  // namespace podpilot::test
