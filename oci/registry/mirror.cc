// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/mirror.h"

#include <fmt/format.h>

#include "sandbox/base/text.h"

namespace podpilot::oci {

Result<RegistryReference> at_mirror(const RegistryReference& image, std::string_view mirror) {
  while (mirror.ends_with('/')) mirror.remove_suffix(1);
  RegistryReference copy = image;
  copy.domain = mirror;
  const Result<Reference> moved = Reference::parse("docker://" + copy.str());
  // What is no host at the begin of a name is part of a repository of docker.io.
  if (!moved || moved->registry.domain != mirror.substr(0, mirror.find('/')))
    return Error{Fault::invalid,
                 fmt::format("\"{}\" is no registry: HOST[:PORT][/PATH]", printable(mirror))};
  return moved->registry;
}

}  // namespace podpilot::oci
