// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "oci/reference.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// `image`, tag and digest kept, under the name "HOST[:PORT]/REPOSITORY". Fault::invalid where that
// does not begin with a registry.
Result<RegistryReference> at_location(const RegistryReference& image, const std::string& name);

// Where a mirror of docker.io, "HOST[:PORT][/PATH]", has an image: PATH goes before its repository.
Result<RegistryReference> at_mirror(const RegistryReference& image, std::string_view mirror);

}  // namespace podpilot::oci
