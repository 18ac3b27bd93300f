// SPDX-License-Identifier: Apache-2.0
// Where the bytes of one image come from: a registry, a layout on disk. A Source moves bytes and
// verifies nothing but what it is told below; the pull verifies the rest.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "oci/descriptor.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Takes the next bytes of a stream, in order. An Error stops the transfer and comes back as it is.
using Sink = std::function<Result<void>(std::string_view bytes)>;

struct Document {
  std::string media_type;  // as served (Content-Type without parameters), "" if it was not said
  std::string bytes;
  Digest digest;  // of `bytes`, computed
};

// Methods block, and may be called from several threads at once.
class Source {
 public:
  virtual ~Source() = default;

  // The manifest or index that the reference names. Where the reference has a digest, it has been
  // compared. At most kMaxManifestBytes.
  virtual Result<Document> root_manifest() = 0;
  // The digest of what root_manifest() would give, if the source can say it for less; as it says
  // it, not computed.
  virtual std::optional<Digest> root_digest() { return std::nullopt; }
  // The manifest that an index points at; size and digest have been compared.
  virtual Result<Document> manifest(const Descriptor& descriptor) = 0;
  // The blob from its first byte to its last, whatever interruptions are bridged meanwhile. Never
  // more than descriptor.size bytes reach the sink; fewer are an Error. Digest: the caller's.
  virtual Result<void> blob(const Descriptor& descriptor, const Sink& sink) = 0;
};

}  // namespace podpilot::oci
