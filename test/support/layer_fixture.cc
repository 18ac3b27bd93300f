// SPDX-License-Identifier: Apache-2.0
#include "test/support/layer_fixture.h"

#include <fmt/format.h>

#include "oci/layer/unpack.h"
#include "oci/store/stored_layer.h"

namespace podpilot::test {

Result<void> unpack(std::string_view served, std::string_view tar, BorrowedFd into,
                    std::size_t piece) {
  const oci::Descriptor blob{"", oci::Digest::of(served), served.size()};
  const oci::Fetch fetch = [&](const oci::Sink& sink) -> Result<void> {
    for (std::size_t at = 0; at < served.size(); at += piece) TRY(sink(served.substr(at, piece)));
    return {};
  };
  oci::UnpackOptions options;
  options.boot = "test-boot";
  return oci::unpack_layer(fetch, blob, oci::Digest::of(tar), into, options);
}

std::string brief_index(BorrowedFd layer) {
  const Result<oci::LayerIndex> index = oci::read_layer_index(layer);
  if (!index) return index.error().text;
  std::string text;
  for (std::size_t i = 0; i < index->entries.size(); ++i) {
    const oci::LayerEntry& entry = index->entries[i];
    text += fmt::format("{} {:04o}{} {}{}{}\n", static_cast<char>(entry.type), entry.mode,
                        entry.implied ? "i" : "", entry.path.empty() ? "." : entry.path,
                        entry.target.empty() ? "" : " -> ", entry.target);
  }
  return text;
}

}  // namespace podpilot::test
