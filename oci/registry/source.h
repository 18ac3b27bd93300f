// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "oci/reference.h"
#include "oci/registry/client.h"
#include "oci/registry/options.h"
#include "oci/source.h"

namespace podpilot::oci {

// An image in a registry (OCI distribution-spec, docker's registry API v2).
class RegistrySource : public Source {
 public:
  // `client` must outlive this.
  RegistrySource(http::Client& client, RegistryReference reference, RegistryOptions options)
      : reference_(std::move(reference)), registry_(client, reference_, std::move(options)) {}

  Result<Document> root_manifest() override;
  // One HEAD. Without an answer that is of use it is left to root_manifest() to find out why.
  std::optional<Digest> root_digest() override;
  Result<Document> manifest(const Descriptor& descriptor) override;
  Result<void> blob(const Descriptor& descriptor, const Sink& sink) override;

 private:
  Result<Document> fetch_manifest(const std::string& name, const std::string& what);
  std::string named(const Digest& digest) const;

  RegistryReference reference_;
  RegistryClient registry_;
};

}  // namespace podpilot::oci
