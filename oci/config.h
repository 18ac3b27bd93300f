// SPDX-License-Identifier: Apache-2.0
// An image's configuration (OCI image-spec, config.md): what to start in it, and its diffIDs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "oci/digest.h"
#include "oci/platform.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Data of the image's author: no string of it is ever a path or a command outside of the sandbox.
// None has a NUL byte. Labels, volumes, ports and history are not read.
struct ImageConfig {
  Platform platform;  // members are "" where the config does not say
  std::vector<std::string> env;
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string working_dir;
  std::string user;
  std::string stop_signal;
  std::vector<Digest> diff_ids;  // of the unpacked layers, lowest first
};

// Unknown members are skipped, null is absent, wrong types are Fault::invalid. `layers` is how many
// the manifest has: a config with another number of diffIDs is Fault::corrupt.
Result<ImageConfig> parse_config(std::string_view bytes, std::size_t layers);

}  // namespace podpilot::oci
