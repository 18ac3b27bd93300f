// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "oci/reference.h"
#include "oci/source.h"

namespace podpilot::oci {

// For oci:, oci-archive: and docker-archive:. What it needs of the path is open when this returns;
// of an image in a tar the headers have been read.
Result<std::unique_ptr<Source>> open_local(const Reference& reference);

}  // namespace podpilot::oci
