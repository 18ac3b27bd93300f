// SPDX-License-Identifier: Apache-2.0
// A manifest against what its index says of it.
#pragma once

#include <cstddef>

#include "oci/descriptor.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Fault::corrupt where size or digest are not the descriptor's.
Result<void> check_document(std::size_t size, const Digest& digest, const Descriptor& descriptor);

}  // namespace podpilot::oci
