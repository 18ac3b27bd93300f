// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "oci/reference.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Where a mirror of docker.io, "HOST[:PORT][/PATH]", has an image: PATH goes before its repository.
// Fault::invalid where that is no name of a registry.
Result<RegistryReference> at_mirror(const RegistryReference& image, std::string_view mirror);

}  // namespace podpilot::oci
