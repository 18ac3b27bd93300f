// SPDX-License-Identifier: Apache-2.0
// An image in an OCI layout (image-spec, image-layout.md): oci-layout, index.json,
// blobs/sha256/HEX.
#pragma once

#include <memory>
#include <string>

#include "oci/local/image_files.h"
#include "oci/source.h"

namespace podpilot::oci {

class LayoutSource final : public Source {
 public:
  // `tag` is one of index.json's org.opencontainers.image.ref.name; "" where it has one image only.
  LayoutSource(std::unique_ptr<ImageFiles> files, std::string tag)
      : files_(std::move(files)), tag_(std::move(tag)) {}

  Result<Document> root_manifest() override;
  Result<Document> manifest(const Descriptor& descriptor) override;
  Result<void> blob(const Descriptor& descriptor, const Sink& sink) override;

 private:
  std::unique_ptr<ImageFiles> files_;
  std::string tag_;
};

}  // namespace podpilot::oci
