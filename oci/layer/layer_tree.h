// SPDX-License-Identifier: Apache-2.0
// What is on disk for one stored layer, as its index says.
#pragma once

#include <cstdint>
#include <string_view>

#include "oci/layer/file_tree.h"
#include "oci/layer/layer_index.h"
#include "oci/layer/spill_vector.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class LayerTree {
 public:
  // Fault::corrupt if the lines of `index` contradict each other. `index` outlives the result.
  static Result<LayerTree> of(const LayerIndex& index);

  const FileTree& files() const { return files_; }
  const LayerEntry& entry(NodeId node) const { return index_->entries[entry_of(node)]; }
  bool is_whiteout(NodeId node) const { return entry(node).type == LayerEntry::Type::whiteout; }
  bool is_opaque(NodeId node) const { return (files_[node].value & kOpaque) != 0; }
  // The line that describes the inode: of a hard link, its target's.
  std::uint32_t inode(NodeId node) const { return inode_[entry_of(node)]; }
  std::uint32_t inode_of_entry(std::uint32_t entry) const { return inode_[entry]; }
  // Where on disk the entry is; kNoNode for those that are not.
  NodeId node_of_entry(std::uint32_t entry) const { return nodes_[entry]; }
  const LayerIndex& index() const { return *index_; }

 private:
  static constexpr std::uint64_t kOpaque = 1ULL << 32;
  static constexpr std::uint32_t kNoEntry = ~std::uint32_t{0};

  explicit LayerTree(const LayerIndex& index);
  std::uint32_t entry_of(NodeId node) const {
    return static_cast<std::uint32_t>(files_[node].value);
  }
  Result<NodeId> folder(std::string_view path, bool add_missing);
  NodeId find(std::string_view path) const;
  void add_absent(std::string_view path);
  bool is_absent(std::string_view path) const {
    return absent_.find(FileTree::kRoot, path) != kNoNode;
  }
  Result<void> add_thing(std::uint32_t entry);
  Result<void> add_marker(std::uint32_t entry);
  Result<void> add_whiteout(std::uint32_t entry);
  Result<void> check_folders() const;

  const LayerIndex* index_;
  FileTree files_;
  SpillVector<std::uint32_t> inode_;
  SpillVector<NodeId> nodes_;
  FileTree absent_;  // what is not on disk: children of the root, whose names are paths
};

}  // namespace podpilot::oci
