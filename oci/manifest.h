// SPDX-License-Identifier: Apache-2.0
// Manifests and indexes (OCI image-spec, docker schema 2), read strictly: whatever two readers
// could understand differently is refused (CVE-2021-41190).
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "oci/descriptor.h"
#include "oci/media_type.h"
#include "oci/platform.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct Layer {
  Descriptor descriptor;  // `urls` are never read: bytes come from the image's own registry
  Compression compression;
};

struct ImageManifest {
  Descriptor config;
  std::vector<Layer> layers;  // lowest first
};

struct IndexEntry {
  Descriptor descriptor;
  std::optional<Platform> platform;
  bool attestation = false;  // describes another entry, is no image
};

struct Index {
  std::vector<IndexEntry> entries;
};

using Manifest = std::variant<ImageManifest, Index>;

// `media_type` as it was served or as the descriptor said, "" if nobody did. Fault::unsupported for
// well-formed things that are no image of ours (schema 1, charts, too many layers).
Result<Manifest> parse_manifest(std::string_view bytes, std::string_view media_type);

// The entry that suits `machine` best, the first among equals. An entry without a platform is
// taken only if nothing else fits. The result may be an index again.
Result<Descriptor> choose(const Index& index, const Platform& machine);

}  // namespace podpilot::oci
