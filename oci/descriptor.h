// SPDX-License-Identifier: Apache-2.0
// What a manifest says of a piece of content (OCI image-spec, descriptor.md).
#pragma once

#include <cstdint>
#include <string>

#include "oci/digest.h"

namespace podpilot::oci {

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size;  // bytes, as served: for a layer the compressed size
};

}  // namespace podpilot::oci
