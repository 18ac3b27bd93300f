// SPDX-License-Identifier: Apache-2.0
// Which names of several layers' folders the merged folder shows
// (Documentation/filesystems/overlayfs.rst, "Merging directories"). Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace podpilot::sandbox {

using LayerNumber = std::uint16_t;

class FolderMerge {
 public:
  struct Folder {
    std::string name;
    std::vector<LayerNumber> layers;  // that it is merged of, the topmost first
  };

  // The layers come from the topmost one down. `last`: none follows, so its names are not kept.
  void begin(LayerNumber layer, bool last);

  // Each name of that layer's folder once. What is no folder, a whiteout too, hides what is below:
  // true if no layer above hides it.
  bool see_other(std::string_view name);
  void see_folder(std::string_view name);

  std::vector<Folder> take_folders() { return std::move(folders_); }

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  static constexpr std::uint32_t kClosed = UINT32_MAX;

  LayerNumber layer_ = 0;
  bool last_ = false;
  std::vector<Folder> folders_;
  // Where in `folders_` lower layers' folders of the name go; kClosed: they are hidden.
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> seen_;
};

}  // namespace podpilot::sandbox
