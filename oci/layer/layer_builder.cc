// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/layer_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "oci/layer/entry_line.h"
#include "oci/layer/entry_path.h"
#include "oci/limits.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

using Kind = FileTree::Kind;
using Type = LayerEntry::Type;

constexpr std::uint64_t kInodeBytes = 256;
constexpr std::uint16_t kImpliedMode = 0755;

LayerEntry implied_line() {
  LayerEntry line;
  line.type = Type::folder;
  line.mode = kImpliedMode;
  line.implied = true;
  return line;
}

}  // namespace

LayerBuilder::LayerBuilder(BorrowedFd root, mode_t umask)
    : memory_(std::make_shared<Spill>(root)),
      tree_(memory_),
      root_(root),
      folders_(tree_, root),
      disk_(umask),
      events_(memory_) {
  // The root's own event: implied until an entry names it.
  events_.push_back({implied_line(), FileTree::kRoot, 0, 0});
}

Result<void> LayerBuilder::add(const TarEntry& entry, TarReader& tar) {
  return add_clean(entry, tar).within(printable(entry.path));
}

Result<void> LayerBuilder::add_clean(const TarEntry& entry, TarReader& tar) {
  if (++entries_ > kMaxLayerEntries)
    return Error{Fault::invalid, fmt::format("more than {} entries", kMaxLayerEntries)};
  logical_bytes_ += std::min(entry.size, kMaxLayerBytes);
  if (entry.size > kMaxLayerBytes || logical_bytes_ > kMaxLayerBytes)
    return Error{Fault::invalid, "files larger than " + human_bytes(kMaxLayerBytes)};
  std::string path = TRY(clean_path(entry.path));
  const EntryName name = TRY(parse_entry_name(std::move(path)));
  switch (name.kind) {
    case EntryName::Kind::plain:
      return add_plain(entry, name.path, tar);
    case EntryName::Kind::whiteout:
      return add_whiteout(name.path);
    case EntryName::Kind::opaque:
      return add_opaque(name.path);
    case EntryName::Kind::ignored:
      return {};
  }
  return {};
}

Result<void> LayerBuilder::add_plain(const TarEntry& entry, std::string_view path, TarReader& tar) {
  if (path.empty()) return add_root(entry);
  Place place;
  place.parent = TRY(folder_at(parent_of(path)));
  place.name = base_of(path);
  place.existing = tree_.find(place.parent, place.name);
  switch (entry.type) {
    case TarEntry::Type::folder:
      return add_folder(entry, place);
    case TarEntry::Type::file:
      return add_file(entry, place, tar);
    case TarEntry::Type::symlink:
      return add_symlink(entry, place);
    case TarEntry::Type::hard_link:
      return add_hard_link(entry, place);
    case TarEntry::Type::fifo:
      return add_fifo(entry, place);
    case TarEntry::Type::device:
    case TarEntry::Type::socket:
      return add_skipped(entry, place);
  }
  return {};
}

Result<void> LayerBuilder::add_root(const TarEntry& entry) {
  if (entry.type != TarEntry::Type::folder)
    return Error{Fault::invalid, "the image's root is not a folder"};
  // Its mode shows in the image's fix-up layer; the layer's own top folder stays as it is.
  describe_again(FileTree::kRoot, line_of(entry, Type::folder));
  return {};
}

// What stood in the place goes, with everything below it.
Result<void> LayerBuilder::clear(Place place) {
  if (place.existing == kNoNode) return {};
  if (is_on_disk(event_of(place.existing).entry.type)) {
    const BorrowedFd parent = TRY(folders_.open(place.parent));
    TRY(remove_tree(parent, std::string(place.name)));
  }
  tree_.remove(place.existing);
  return {};
}

NodeId LayerBuilder::record(Place place, Kind kind, const LayerEntry& line,
                            std::string_view target) {
  const auto event = static_cast<std::uint32_t>(events_.size());
  const NodeId node = tree_.add(place.parent, place.name, kind, event, target);
  events_.push_back({line, node, event, line.mode});
  events_.back().entry.target = tree_[node].target;
  disk_bytes_ += kInodeBytes;
  return node;
}

Result<NodeId> LayerBuilder::new_folder(Place place, const LayerEntry& line) {
  // A file that this layer had here replaced what lower layers have, and the folder that replaces
  // the file does not bring it back.
  const bool hides = place.existing != kNoNode;
  if (hides && !is_whiteout(place.existing))
    record_marker(Type::whiteout, place.parent, tree_[place.existing].name);
  TRY(clear(place));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  const NodeId node = record(place, Kind::folder, line);
  TRY(disk_.make_folder(parent, tree_[node].name.data(), stored_mode(line)));
  disk_bytes_ += kDiskBlock;
  if (hides) TRY(set_opaque(node));
  return node;
}

Result<void> LayerBuilder::add_folder(const TarEntry& entry, Place place) {
  LayerEntry line = line_of(entry, Type::folder);
  const Xattrs kept = kept_xattrs(entry);
  line.xattrs = !kept.empty();
  NodeId node = place.existing;
  if (node != kNoNode && tree_[node].kind == Kind::folder) {
    line.xattrs |= event_of(node).entry.xattrs;
    describe_again(node, line);
  } else {
    node = TRY(new_folder(place, line));
  }
  if (kept.empty()) return {};
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  return disk_.set_folder_xattrs(parent, tree_[node].name.data(), kept);
}

// The place in the index stays that of the first entry: that one replaced whatever a lower layer
// may have here, and what came since went into it.
void LayerBuilder::describe_again(NodeId folder, const LayerEntry& line) {
  Event& known = events_[tree_[folder].value];
  if (!known.entry.implied) {
    known.entry = line;
    return;
  }
  const auto event = static_cast<std::uint32_t>(events_.size());
  tree_.set_value(folder, event);
  events_.push_back({line, folder, event, known.made_with});
}

Result<NodeId> LayerBuilder::folder_at(std::string_view path) {
  return tree_.resolve(path, [this](NodeId parent, std::string_view name, NodeId existing) {
    return implied_folder(parent, name, existing);
  });
}

Result<NodeId> LayerBuilder::implied_folder(NodeId parent, std::string_view name, NodeId existing) {
  if (existing != kNoNode && !is_whiteout(existing))
    return Error{Fault::invalid, printable(tree_.path(existing)) + " is not a folder"};
  return new_folder({parent, name, existing}, implied_line());
}

bool LayerBuilder::is_whiteout(NodeId node) const {
  return event_of(node).entry.type == Type::whiteout;
}

void LayerBuilder::record_marker(Type type, NodeId folder, std::string_view name) {
  LayerEntry line;
  line.type = type;
  line.target = name;
  events_.push_back({line, folder, 0, 0});
}

// As folder_at(); nothing where this layer has a file on the way, below which nothing can be
// hidden.
Result<NodeId> LayerBuilder::marked_folder(std::string_view path) {
  return tree_.resolve(
      path, [this](NodeId parent, std::string_view name, NodeId existing) -> Result<NodeId> {
        if (existing != kNoNode && !is_whiteout(existing)) return kNoNode;
        return implied_folder(parent, name, existing);
      });
}

Result<void> LayerBuilder::add_whiteout(std::string_view path) {
  Place place;
  place.parent = TRY(marked_folder(parent_of(path)));
  if (place.parent == kNoNode) return {};
  place.name = base_of(path);
  place.existing = tree_.find(place.parent, place.name);
  NodeId node = place.existing;
  if (node == kNoNode) {
    const BorrowedFd parent = TRY(folders_.open(place.parent));
    node = tree_.add(place.parent, place.name, Kind::other, events_.size());
    disk_bytes_ += kInodeBytes;
    TRY(disk_.make_whiteout(parent, tree_[node].name.data()));
  } else if (is_whiteout(node)) {
    return {};
  } else if (tree_[node].kind == Kind::folder) {
    TRY(set_opaque(node));
  }
  record_marker(Type::whiteout, place.parent, tree_[node].name);
  return {};
}

Result<void> LayerBuilder::add_opaque(std::string_view path) {
  const NodeId folder = TRY(marked_folder(path));
  if (folder == kNoNode) return {};
  // The kernel does not look at a layer's top folder: there the fix-up layer hides the names.
  if (folder != FileTree::kRoot) TRY(set_opaque(folder));
  record_marker(Type::opaque, folder, {});
  return {};
}

Result<void> LayerBuilder::set_opaque(NodeId folder) {
  const BorrowedFd parent = TRY(folders_.open(tree_[folder].parent));
  return disk_.make_opaque(parent, tree_[folder].name.data());
}

Result<void> LayerBuilder::finish() {
  // Children have the higher ids: a folder's time is set after those of the folders in it.
  for (auto id = static_cast<NodeId>(tree_.size() - 1); id != FileTree::kRoot; --id) {
    if (!tree_[id].alive || tree_[id].kind != Kind::folder) continue;
    const Event& event = event_of(id);
    const BorrowedFd parent = TRY(folders_.open(tree_[id].parent));
    TRY(disk_
            .finish_folder(parent, tree_[id].name.data(), event.made_with, stored_mode(event.entry),
                           time_of(event.entry))
            .within(printable(tree_.path(id))));
  }
  return {};
}

}  // namespace podpilot::oci
