// SPDX-License-Identifier: Apache-2.0
// The tree that an image means: its layers applied one after the other to one root, as the OCI
// image-spec describes it and umoci does it.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>

#include "oci/layer/file_tree.h"
#include "oci/layer/layer_tree.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Where a node's content or metadata comes from.
struct NodeSource {
  static constexpr std::uint32_t kImplied = ~std::uint32_t{0};  // a folder that nobody described

  std::uint32_t entry = kImplied;  // the inode's line in the layer's index
  std::uint16_t layer = 0;
  std::uint16_t step = 0;  // the application that put it here

  bool same_origin(const NodeSource& other) const {
    return entry == other.entry && layer == other.layer;
  }
};

class ImageTree {
 public:
  explicit ImageTree(std::shared_ptr<Spill> memory);

  // `layer` is what the sources will say. One layer may be applied several times.
  Result<void> apply(const LayerTree& tree, std::uint16_t layer);

  const FileTree& files() const { return files_; }
  NodeSource source(NodeId node) const { return std::bit_cast<NodeSource>(files_[node].value); }

 private:
  Result<void> apply_entry(const LayerTree& tree, std::uint32_t entry);
  Result<void> put(NodeId parent, const LayerTree& tree, std::uint32_t entry);
  Result<void> put_link(NodeId parent, const LayerEntry& line);
  void put_folder(NodeId parent, std::string_view name, std::uint32_t entry);
  Result<void> hide(const LayerEntry& marker);
  void remove_lower(NodeId top, bool top_too);
  Result<NodeId> folder_at(std::string_view path);
  void set_source(NodeId node, NodeSource source) {
    files_.set_value(node, std::bit_cast<std::uint64_t>(source));
  }
  NodeSource here(std::uint32_t entry) const { return {entry, layer_, step_}; }

  FileTree files_;
  std::uint16_t layer_ = 0;
  std::uint16_t step_ = 0;
};

}  // namespace podpilot::oci
