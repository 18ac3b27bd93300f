// SPDX-License-Identifier: Apache-2.0
// Any bytes as a layer's index, and as its lines with a right checksum.
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "oci/layer/crc.h"
#include "oci/layer/fixup.h"
#include "oci/layer/layer_index.h"
#include "oci/layer/layer_tree.h"

using namespace podpilot;

namespace {

void use(const std::string& text) {
  const auto index = oci::parse_layer_index(text);
  if (!index) return;
  auto tree = oci::LayerTree::of(*index);
  if (!tree) return;
  std::vector<oci::LayerTree> trees;
  trees.push_back(std::move(*tree));
  (void)oci::plan_fixup(trees, {0, 0});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  use(std::string(bytes));
  std::string lines = "podpilot-layer-index 1 -\nD 0755 0 0 0 0.000000000 0 - .\n";
  lines += bytes;
  if (!lines.ends_with('\n')) lines += '\n';
  std::size_t count = 0;
  for (const char c : lines) count += c == '\n';
  lines += fmt::format("end {} 0 ", count - 1);
  oci::Crc64 crc;
  crc.update(lines);
  use(lines + fmt::format("{:016x}\n", crc.value()));
  return 0;
}
