// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "oci/reference.h"

// What parses has a normal form that parses to itself.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using podpilot::oci::Reference;
  const auto first = Reference::parse({reinterpret_cast<const char*>(data), size});
  if (!first) return 0;
  const auto second = Reference::parse(first->str());
  if (!second || second->str() != first->str() || second->kind != first->kind) std::abort();
  return 0;
}
