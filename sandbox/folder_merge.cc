// SPDX-License-Identifier: Apache-2.0
#include "sandbox/folder_merge.h"

namespace podpilot::sandbox {

void FolderMerge::begin(LayerNumber layer, bool last) {
  layer_ = layer;
  last_ = last;
}

bool FolderMerge::see_other(std::string_view name) {
  if (const auto above = seen_.find(name); above != seen_.end()) {
    above->second = kClosed;
    return false;
  }
  if (!last_) seen_.emplace(name, kClosed);
  return true;
}

void FolderMerge::see_folder(std::string_view name) {
  if (const auto above = seen_.find(name); above != seen_.end()) {
    if (above->second != kClosed) folders_[above->second].layers.push_back(layer_);
    return;
  }
  if (!last_) seen_.emplace(name, static_cast<std::uint32_t>(folders_.size()));
  folders_.push_back({std::string(name), {layer_}});
}

}  // namespace podpilot::sandbox
