// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/layer_tree.h"

#include <fmt/format.h>

#include "oci/layer/entry_path.h"
#include "oci/limits.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

using Kind = FileTree::Kind;
using Type = LayerEntry::Type;

Error contradiction(const LayerEntry& entry) {
  return {Fault::corrupt,
          fmt::format("layer index: the line of {} contradicts another", printable(entry.path))};
}

bool is_marker(Type type) {
  return type == Type::whiteout || type == Type::opaque;
}
bool is_absent_type(Type type) {
  return type == Type::skipped || type == Type::pending_link;
}

}  // namespace

LayerTree::LayerTree(const LayerIndex& index)
    : index_(&index),
      files_(index.memory),
      inode_(index.memory),
      nodes_(index.memory),
      absent_(index.memory) {
  files_.set_value(FileTree::kRoot, kNoEntry);
  for (std::uint32_t i = 0; i < index.entries.size(); ++i) inode_.push_back(i);
  nodes_.append(index.entries.size(), kNoNode);
}

Result<LayerTree> LayerTree::of(const LayerIndex& index) {
  LayerTree tree(index);
  const auto count = static_cast<std::uint32_t>(index.entries.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const Type type = index.entries[i].type;
    if (is_absent_type(type))
      tree.add_absent(index.entries[i].path);
    else if (!is_marker(type))
      TRY(tree.add_thing(i));
  }
  TRY(tree.check_folders());
  // Markers mean one thing where the layer itself has something of that name, another where not.
  for (std::uint32_t i = 0; i < count; ++i)
    if (is_marker(index.entries[i].type)) TRY(tree.add_marker(i));
  return tree;
}

// Paths of an index pass no symlink: each component is looked up as it is.
Result<NodeId> LayerTree::folder(std::string_view path, bool add_missing) {
  NodeId here = FileTree::kRoot;
  if (path.empty()) return here;
  for (const std::string_view name : split(path, '/')) {
    NodeId next = files_.find(here, name);
    if (next == kNoNode && add_missing && files_[here].depth <= kMaxPathDepth)
      next = files_.add(here, name, Kind::folder, kNoEntry);
    if (next == kNoNode || files_[next].kind != Kind::folder) return kNoNode;
    here = next;
  }
  return here;
}

NodeId LayerTree::find(std::string_view path) const {
  NodeId here = FileTree::kRoot;
  for (const std::string_view name : split(path, '/')) {
    here = files_.find(here, name);
    if (here == kNoNode) return kNoNode;
  }
  return here;
}

void LayerTree::add_absent(std::string_view path) {
  if (!is_absent(path)) absent_.add(FileTree::kRoot, path, Kind::other, 0);
}

Result<void> LayerTree::add_thing(std::uint32_t entry) {
  const LayerEntry& line = index_->entries[entry];
  // A folder's line may come after the lines of what is in it, as in the tar.
  if (line.type == Type::folder) {
    const NodeId node = TRY(folder(line.path, true));
    if (node == kNoNode || entry_of(node) != kNoEntry) return contradiction(line);
    files_.set_value(node, entry);
    nodes_[entry] = node;
    return {};
  }
  const NodeId parent = TRY(folder(parent_of(line.path), true));
  if (line.path.empty() || parent == kNoNode) return contradiction(line);
  if (files_.find(parent, base_of(line.path)) != kNoNode) return contradiction(line);
  Kind kind = line.type == Type::symlink ? Kind::symlink : Kind::other;
  std::string_view target = kind == Kind::symlink ? line.target : std::string_view();
  if (line.type == Type::hard_link) {
    const NodeId first = find(line.target);
    if (first == kNoNode || files_[first].kind == Kind::folder) return contradiction(line);
    inode_[entry] = inode(first);
    kind = files_[first].kind;
    target = files_[first].target;
  }
  nodes_[entry] = files_.add(parent, base_of(line.path), kind, entry, target);
  return {};
}

Result<void> LayerTree::add_marker(std::uint32_t entry) {
  const LayerEntry& line = index_->entries[entry];
  if (line.type == Type::opaque) {
    const NodeId node = TRY(folder(line.path, false));
    if (node == kNoNode) return contradiction(line);
    files_.set_value(node, files_[node].value | kOpaque);
    return {};
  }
  return add_whiteout(entry);
}

Result<void> LayerTree::add_whiteout(std::uint32_t entry) {
  const LayerEntry& line = index_->entries[entry];
  const NodeId parent = TRY(folder(parent_of(line.path), false));
  if (line.path.empty() || parent == kNoNode) return contradiction(line);
  const NodeId node = files_.find(parent, base_of(line.path));
  if (node == kNoNode && !is_absent(line.path))
    nodes_[entry] = files_.add(parent, base_of(line.path), Kind::other, entry);
  else if (node != kNoNode && files_[node].kind == Kind::folder)
    files_.set_value(node, files_[node].value | kOpaque);
  return {};
}

Result<void> LayerTree::check_folders() const {
  for (NodeId id = 0; id < files_.size(); ++id)
    if (entry_of(id) == kNoEntry)
      return Error{Fault::corrupt,
                   "layer index: no line for the folder " + printable(files_.path(id))};
  return {};
}

}  // namespace podpilot::oci
