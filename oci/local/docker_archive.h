// SPDX-License-Identifier: Apache-2.0
// What `docker save` writes: manifest.json, the config, and each layer as a tar. It has no manifest
// as registries know it, so one is made of what it says: the same archive, the same digest.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "oci/local/image_files.h"
#include "oci/source.h"

namespace podpilot::oci {

class DockerArchiveSource final : public Source {
 public:
  // Reads manifest.json and the config. Fault::invalid for an archive of several images.
  static Result<std::unique_ptr<DockerArchiveSource>> open(std::unique_ptr<ImageFiles> files);

  Result<Document> root_manifest() override;
  Result<Document> manifest(const Descriptor& descriptor) override;
  Result<void> blob(const Descriptor& descriptor, const Sink& sink) override;

 private:
  explicit DockerArchiveSource(std::unique_ptr<ImageFiles> files) : files_(std::move(files)) {}
  Result<void> describe();

  std::unique_ptr<ImageFiles> files_;
  std::string manifest_;
  std::map<Digest, std::string> names_;  // of config and layers, in the archive
};

}  // namespace podpilot::oci
