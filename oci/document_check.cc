// SPDX-License-Identifier: Apache-2.0
#include "oci/document_check.h"

#include <fmt/format.h>

namespace podpilot::oci {

Result<void> check_document(std::size_t size, const Digest& digest, const Descriptor& descriptor) {
  if (size != descriptor.size)
    return Error{Fault::corrupt,
                 fmt::format("has {} bytes, its index says {}", size, descriptor.size)};
  if (digest != descriptor.digest)
    return Error{Fault::corrupt,
                 fmt::format("has the digest {}, not {}", digest.str(), descriptor.digest.str())};
  return {};
}

}  // namespace podpilot::oci
