// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/layer_builder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "oci/layer/crc.h"
#include "oci/layer/entry_path.h"
#include "oci/limits.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

using Kind = FileTree::Kind;
using Type = LayerEntry::Type;

constexpr std::uint64_t kDiskBlock = 4096;
constexpr std::uint64_t kInodeBytes = 256;
constexpr std::uint16_t kImpliedMode = 0755;

LayerEntry line_of(const TarEntry& entry, Type type) {
  LayerEntry line;
  line.type = type;
  line.mode = static_cast<std::uint16_t>(entry.mode);
  line.uid = entry.uid;
  line.gid = entry.gid;
  line.size = type == Type::file ? entry.size : 0;
  line.mtime = entry.mtime;
  line.mtime_nsec = entry.mtime_nsec;
  line.capability = std::ranges::any_of(
      entry.xattrs, [](const auto& xattr) { return xattr.first == "security.capability"; });
  return line;
}

Xattrs kept_xattrs(const TarEntry& entry) {
  Xattrs kept;
  for (const auto& xattr : entry.xattrs)
    if (is_kept_xattr(xattr.first)) kept.push_back(xattr);
  return kept;
}

mode_t stored_mode(const LayerEntry& line) {
  return line.mode & kStoredModeBits;
}
FileTime time_of(const LayerEntry& line) {
  return {line.mtime, line.mtime_nsec};
}

bool is_on_disk(Type type) {
  return type != Type::skipped && type != Type::pending_link;
}

}  // namespace

LayerBuilder::LayerBuilder(BorrowedFd root, mode_t umask)
    : root_(root), folders_(tree_, root), disk_(umask) {
  // The root's own event: implied until an entry names it.
  LayerEntry line;
  line.type = Type::folder;
  line.mode = kImpliedMode;
  line.implied = true;
  events_.push_back({line, FileTree::kRoot, 0});
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
      TRY(clear(place));
      record(place, Kind::other, line_of(entry, Type::skipped));
      return {};
  }
  return {};
}

Result<void> LayerBuilder::add_root(const TarEntry& entry) {
  if (entry.type != TarEntry::Type::folder)
    return Error{Fault::invalid, "the image's root is not a folder"};
  // Its mode shows in the image's fix-up layer; the layer's own top folder stays as it is.
  tree_.set_value(FileTree::kRoot, events_.size());
  events_.push_back(
      {line_of(entry, Type::folder), FileTree::kRoot, static_cast<std::uint32_t>(events_.size())});
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
  events_.push_back({line, node, event});
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
    const std::uint32_t primary = event_of(node).primary;
    tree_.set_value(node, events_.size());
    events_.push_back({line, node, primary});
  } else {
    node = TRY(new_folder(place, line));
  }
  if (kept.empty()) return {};
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  return disk_.set_folder_xattrs(parent, tree_[node].name.data(), kept);
}

Result<NodeId> LayerBuilder::folder_at(std::string_view path) {
  return tree_.resolve(path, [this](NodeId parent, std::string_view name, NodeId existing) {
    return implied_folder(parent, name, existing);
  });
}

Result<NodeId> LayerBuilder::implied_folder(NodeId parent, std::string_view name, NodeId existing) {
  if (existing != kNoNode && !is_whiteout(existing))
    return Error{Fault::invalid, printable(tree_.path(existing)) + " is not a folder"};
  LayerEntry line;
  line.type = Type::folder;
  line.mode = kImpliedMode;
  line.implied = true;
  return new_folder({parent, name, existing}, line);
}

Result<void> LayerBuilder::add_file(const TarEntry& entry, Place place, TarReader& tar) {
  TRY(clear(place));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  LayerEntry line = line_of(entry, Type::file);
  const Xattrs kept = kept_xattrs(entry);
  line.xattrs = !kept.empty();
  const NodeId node = record(place, Kind::other, line);
  const LayerDisk::NewFile file =
      TRY(disk_.create_file(parent, tree_[node].name.data(), stored_mode(line), kept));
  TRY(copy_content(entry, tar, file, events_.back().entry));
  return disk_.finish_file(file, stored_mode(line), time_of(line));
}

Result<void> LayerBuilder::copy_content(const TarEntry& entry, TarReader& tar,
                                        const LayerDisk::NewFile& file, LayerEntry& line) {
  Crc64 crc;
  std::uint64_t position = 0;
  std::uint64_t data_bytes = 0;
  for (;;) {
    const std::optional<TarData> piece = TRY(tar.data());
    if (!piece) break;
    if (piece->offset != position) {
      crc.update_zeros(piece->offset - position);
      if (::lseek(file.fd.get(), static_cast<off_t>(piece->offset), SEEK_SET) < 0)
        return sys_error("lseek");
    }
    TRY(write_all(file.fd, piece->bytes));
    crc.update(piece->bytes);
    position = piece->offset + piece->bytes.size();
    data_bytes += piece->bytes.size();
  }
  if (position != entry.size) {
    crc.update_zeros(entry.size - position);
    if (::ftruncate(file.fd.get(), static_cast<off_t>(entry.size)) != 0)
      return sys_error("ftruncate");
  }
  line.crc = crc.value();
  disk_bytes_ += (data_bytes + kDiskBlock - 1) / kDiskBlock * kDiskBlock;
  return {};
}

Result<void> LayerBuilder::add_symlink(const TarEntry& entry, Place place) {
  TRY(clear(place));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  const LayerEntry line = line_of(entry, Type::symlink);
  const NodeId node = record(place, Kind::symlink, line, entry.target);
  return disk_.make_symlink(parent, tree_[node].name.data(), tree_[node].target.data(),
                            time_of(line));
}

Result<void> LayerBuilder::add_fifo(const TarEntry& entry, Place place) {
  TRY(clear(place));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  const LayerEntry line = line_of(entry, Type::fifo);
  const NodeId node = record(place, Kind::other, line);
  return disk_.make_fifo(parent, tree_[node].name.data(), stored_mode(line), time_of(line));
}

// The entry's own mode and time say nothing: they are the target's, which may be a symlink
// (CVE-2021-32760).
Result<void> LayerBuilder::add_hard_link(const TarEntry& entry, Place place) {
  const std::string path = TRY(clean_path(entry.target));
  if (path.empty()) return Error{Fault::invalid, "hard link to the image's root"};
  const NodeId folder = TRY(tree_.resolve(parent_of(path)));
  const NodeId target = folder == kNoNode ? kNoNode : tree_.find(folder, base_of(path));
  if (target != kNoNode && target == place.existing) return {};
  const bool here = target != kNoNode && event_of(target).entry.type != Type::whiteout;
  if (here && tree_[target].kind == Kind::folder)
    return Error{Fault::invalid, fmt::format("hard link to the folder {}", printable(path))};
  TRY(clear(place));
  if (!here || !is_on_disk(event_of(target).entry.type)) {
    record(place, Kind::other, line_of(entry, Type::pending_link), path);
    return {};
  }
  if (!tree_[target].alive)  // it stood below what this entry replaces
    return Error{Fault::invalid,
                 fmt::format("hard link to {}, which it replaces", printable(path))};
  const NodeId node =
      record(place, tree_[target].kind, line_of(entry, Type::hard_link), tree_[target].target);
  events_.back().primary = event_of(target).primary;
  const BorrowedFd from = TRY(folders_.open(folder));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  return disk_.make_link(from, tree_[target].name.data(), parent, tree_[node].name.data());
}

bool LayerBuilder::is_whiteout(NodeId node) const {
  return event_of(node).entry.type == Type::whiteout;
}

void LayerBuilder::record_marker(Type type, NodeId folder, std::string_view name) {
  LayerEntry line;
  line.type = type;
  line.target = name;
  events_.push_back({line, folder, 0});
}

Result<void> LayerBuilder::add_whiteout(std::string_view path) {
  Place place;
  place.parent = TRY(folder_at(parent_of(path)));
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
  const NodeId folder = TRY(folder_at(path));
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
  // Children have the higher ids: a folder that closes itself to us comes after what is in it.
  for (auto id = static_cast<NodeId>(tree_.size() - 1); id != FileTree::kRoot; --id) {
    if (!tree_[id].alive || tree_[id].kind != Kind::folder) continue;
    const Event& event = event_of(id);
    const mode_t made_with = stored_mode(events_[event.primary].entry);
    const BorrowedFd parent = TRY(folders_.open(tree_[id].parent));
    TRY(disk_
            .finish_folder(parent, tree_[id].name.data(), made_with, stored_mode(event.entry),
                           time_of(event.entry))
            .within(printable(tree_.path(id))));
  }
  return {};
}

bool LayerBuilder::counts(std::size_t event) const {
  const Event& e = events_[event];
  if (!tree_[e.node].alive) return false;
  const bool marker = e.entry.type == Type::whiteout || e.entry.type == Type::opaque;
  return marker || tree_[e.node].value == event;
}

Result<void> LayerBuilder::write_index(BorrowedFd file, std::string_view boot) const {
  LayerIndexWriter writer(file, boot);
  // Of several names of one inode the first that is left has the line that describes it.
  std::unordered_map<std::uint32_t, NodeId> described;
  for (const Event& event : events_)
    if (event.entry.type == Type::hard_link) described.emplace(event.primary, kNoNode);
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if (!counts(i)) continue;
    const Event& event = events_[i];
    LayerEntry line = event.entry;
    std::string path = tree_.path(event.node);
    std::string target;
    const auto inode = described.find(event.primary);
    const bool marker = line.type == Type::whiteout || line.type == Type::opaque;
    if (line.type == Type::whiteout) {
      path += (path.empty() ? "" : "/") + std::string(line.target);
    } else if (!marker && inode != described.end()) {
      if (inode->second == kNoNode) {
        line = events_[event.primary].entry;
        inode->second = event.node;
      } else {
        line.type = Type::hard_link;
        target = tree_.path(inode->second);
        line.target = target;
      }
    }
    line.path = path;
    TRY(writer.add(line));
  }
  return writer.finish(disk_bytes_);
}

}  // namespace podpilot::oci
