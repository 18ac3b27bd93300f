// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/mirror.h"

#include <fmt/format.h>

#include "sandbox/base/text.h"

namespace podpilot::oci {

Result<RegistryReference> at_location(const RegistryReference& image, const std::string& name) {
  const std::size_t slash = name.find('/');
  RegistryReference copy = image;
  copy.domain = name.substr(0, slash);
  copy.repository = slash == std::string::npos ? "" : name.substr(slash + 1);
  const Result<Reference> moved = Reference::parse("docker://" + copy.str());
  // What is no host at the begin of a name is part of a repository of docker.io.
  if (!moved || moved->registry.domain != copy.domain)
    return Error{Fault::invalid,
                 fmt::format("\"{}\" is no registry: HOST[:PORT][/PATH]", printable(copy.domain))};
  return moved->registry;
}

Result<RegistryReference> at_mirror(const RegistryReference& image, std::string_view mirror) {
  while (mirror.ends_with('/')) mirror.remove_suffix(1);
  return at_location(image, fmt::format("{}/{}", mirror, image.repository));
}

}  // namespace podpilot::oci
