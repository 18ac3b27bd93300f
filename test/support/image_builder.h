// SPDX-License-Identifier: Apache-2.0
// Whole images made in code: as a Source that can also misbehave, and as an OCI layout on disk.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "oci/source.h"
#include "test/support/temp_dir.h"

namespace podpilot::test {

class ImageSource : public oci::Source {
 public:
  // `tars` are the layers, lowest first. Every second one is served as gzip.
  explicit ImageSource(const std::vector<std::string>& tars);

  Result<oci::Document> root_manifest() override;
  std::optional<oci::Digest> root_digest() override { return told_root; }
  Result<oci::Document> manifest(const oci::Descriptor& descriptor) override;
  Result<void> blob(const oci::Descriptor& descriptor, const oci::Sink& sink) override;

  // Puts the manifest, or index, behind an index with another platform's manifest beside it.
  void wrap_in_index();
  void write_layout(const TempDir& dir, const std::string& tag) const;
  const std::vector<oci::Descriptor>& layers() const { return layers_; }
  const std::vector<oci::Digest>& diff_ids() const { return diff_ids_; }

  // Replaces what is served for a blob, whatever its descriptor says.
  void serve_instead(const oci::Digest& digest, std::string bytes);
  std::size_t served() const { return served_; }  // blobs
  std::size_t roots() const { return roots_; }    // calls of root_manifest()
  std::optional<oci::Digest> told_root;           // what root_digest() says
  // Called before each blob's bytes; an Error is what the source then fails with.
  std::function<Result<void>(const oci::Descriptor&)> before_blob;

 private:
  oci::Descriptor put(std::string media_type, const std::string& bytes);

  std::map<oci::Digest, std::string> blobs_;
  std::vector<oci::Descriptor> layers_;
  std::vector<oci::Digest> diff_ids_;
  std::string root_;  // the root document
  std::string root_type_;
  std::atomic<std::size_t> served_{0};
  std::atomic<std::size_t> roots_{0};
};

}  // namespace podpilot::test
