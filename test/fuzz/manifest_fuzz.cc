// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "oci/config.h"
#include "oci/manifest.h"

// The first line is the Content-Type, the rest the body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t line = all.find('\n');
  const std::string_view type = line == std::string_view::npos ? "" : all.substr(0, line);
  const std::string_view body = line == std::string_view::npos ? all : all.substr(line + 1);
  const auto manifest = podpilot::oci::parse_manifest(body, type);
  if (manifest)
    if (const auto* index = std::get_if<podpilot::oci::Index>(&*manifest))
      static_cast<void>(podpilot::oci::choose(*index, podpilot::oci::Platform::host()));
  static_cast<void>(podpilot::oci::parse_config(body, 1));
  return 0;
}
