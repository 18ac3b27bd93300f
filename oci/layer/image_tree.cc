// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/image_tree.h"

#include <fmt/format.h>

#include <vector>

#include "oci/layer/entry_path.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

using Kind = FileTree::Kind;
using Type = LayerEntry::Type;

}  // namespace

ImageTree::ImageTree(std::shared_ptr<Spill> memory) : files_(std::move(memory)) {
  set_source(FileTree::kRoot, {});
}

Result<void> ImageTree::apply(const LayerTree& tree, std::uint16_t layer) {
  layer_ = layer;
  ++step_;
  const auto count = static_cast<std::uint32_t>(tree.index().entries.size());
  for (std::uint32_t i = 0; i < count; ++i)
    TRY(apply_entry(tree, i).within(printable(tree.index().entries[i].path)));
  return {};
}

Result<void> ImageTree::apply_entry(const LayerTree& tree, std::uint32_t entry) {
  const LayerEntry& line = tree.index().entries[entry];
  if (line.implied) return {};  // whoever needs it makes it, if nothing below has it
  if (line.type == Type::whiteout || line.type == Type::opaque) return hide(line);
  if (line.path.empty()) {
    set_source(FileTree::kRoot, here(entry));
    return {};
  }
  const NodeId parent = TRY(folder_at(parent_of(line.path)));
  if (line.type != Type::folder) return put(parent, tree, entry);
  put_folder(parent, base_of(line.path), entry);
  return {};
}

// A parent that is a file in a lower layer gives way, as overlayfs has it.
Result<NodeId> ImageTree::folder_at(std::string_view path) {
  return files_.resolve(
      path, [this](NodeId parent, std::string_view name, NodeId existing) -> Result<NodeId> {
        if (existing != kNoNode) files_.remove(existing);
        const NodeId made = files_.add(parent, name, Kind::folder, 0);
        set_source(made, here(NodeSource::kImplied));
        return made;
      });
}

void ImageTree::put_folder(NodeId parent, std::string_view name, std::uint32_t entry) {
  NodeId node = files_.find(parent, name);
  if (node != kNoNode && files_[node].kind != Kind::folder) {
    files_.remove(node);
    node = kNoNode;
  }
  if (node == kNoNode) node = files_.add(parent, name, Kind::folder, 0);
  set_source(node, here(entry));
}

Result<void> ImageTree::put(NodeId parent, const LayerTree& tree, std::uint32_t entry) {
  const LayerEntry& line = tree.index().entries[entry];
  if (line.type == Type::pending_link) return put_link(parent, line);
  const NodeId existing = files_.find(parent, base_of(line.path));
  if (existing != kNoNode) files_.remove(existing);
  if (line.type == Type::skipped) return {};
  const FileTree::Node& on_disk = tree.files()[tree.node_of_entry(entry)];
  const NodeId node = files_.add(parent, base_of(line.path), on_disk.kind, 0, on_disk.target);
  set_source(node, here(tree.inode_of_entry(entry)));
  return {};
}

// A hard link to something in a lower layer: the same inode under another name.
Result<void> ImageTree::put_link(NodeId parent, const LayerEntry& line) {
  const NodeId folder = TRY(files_.resolve(parent_of(line.target)));
  const NodeId target = folder == kNoNode ? kNoNode : files_.find(folder, base_of(line.target));
  if (target == kNoNode || files_[target].kind == Kind::folder)
    return Error{Fault::invalid, fmt::format("hard link to {}, which is {}", printable(line.target),
                                             target == kNoNode ? "missing" : "a folder")};
  const std::string_view name = base_of(line.path);
  const NodeId existing = files_.find(parent, name);
  if (existing == target) return {};
  const Kind kind = files_[target].kind;
  const std::string link(files_[target].target);
  NodeSource inode = source(target);
  inode.step = step_;
  if (existing != kNoNode) files_.remove(existing);
  set_source(files_.add(parent, name, kind, 0, link), inode);
  return {};
}

Result<void> ImageTree::hide(const LayerEntry& marker) {
  const bool whiteout = marker.type == Type::whiteout;
  const NodeId folder = TRY(files_.resolve(whiteout ? parent_of(marker.path) : marker.path));
  if (folder == kNoNode) return {};
  const NodeId top = whiteout ? files_.find(folder, base_of(marker.path)) : folder;
  if (top != kNoNode) remove_lower(top, whiteout);
  return {};
}

// Takes away what earlier layers put there, and no more: a marker never acts on its own layer.
void ImageTree::remove_lower(NodeId top, bool top_too) {
  std::vector<NodeId> order = {top};
  for (std::size_t i = 0; i < order.size(); ++i)
    for (NodeId child = files_[order[i]].first_child; child != kNoNode; child = files_[child].next)
      order.push_back(child);
  // Deepest last: a folder goes if nothing of this layer is left in it.
  for (std::size_t i = order.size(); i-- > (top_too ? 0 : 1);) {
    const NodeId node = order[i];
    if (source(node).step != step_ && files_[node].first_child == kNoNode) files_.remove(node);
  }
}

}  // namespace podpilot::oci
