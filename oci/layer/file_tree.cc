// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/file_tree.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "oci/limits.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr int kMaxLinks = 40;               // the kernel's MAXSYMLINKS
constexpr std::size_t kMaxPending = 65536;  // components still to walk: links may multiply them
constexpr NodeId kFree = kNoNode;
constexpr NodeId kDeleted = kNoNode - 1;
constexpr std::size_t kArenaChunk = 64 << 10;

// Puts the components of `path` on the stack, the first one on top.
void push_components(std::vector<std::string_view>& stack, std::string_view path) {
  const std::size_t below = stack.size();
  for (const std::string_view part : split(path, '/'))
    if (!part.empty() && part != ".") stack.push_back(part);
  std::reverse(stack.begin() + static_cast<std::ptrdiff_t>(below), stack.end());
}

}  // namespace

FileTree::FileTree() : slots_(64, kFree) {
  nodes_.emplace_back();
}

std::string_view FileTree::keep(std::string_view text) {
  const std::size_t size = text.size() + 1;  // names go to system calls: they end in a NUL
  char* place = nullptr;
  if (size > kArenaChunk / 4) {
    // A chunk of its own, below the one that is being filled.
    arena_.insert(arena_.begin(), std::make_unique_for_overwrite<char[]>(size));
    place = arena_.front().get();
  } else {
    if (arena_left_ < size) {
      arena_.push_back(std::make_unique_for_overwrite<char[]>(kArenaChunk));
      arena_left_ = kArenaChunk;
    }
    place = arena_.back().get() + (kArenaChunk - arena_left_);
    arena_left_ -= size;
  }
  if (!text.empty()) std::memcpy(place, text.data(), text.size());
  place[text.size()] = 0;
  return {place, text.size()};
}

std::size_t FileTree::slot_of(NodeId parent, std::string_view name) const {
  std::size_t hash = std::hash<std::string_view>()(name);
  hash ^= (parent + 1) * 0x9E3779B97F4A7C15;
  return (hash ^ (hash >> 32)) & (slots_.size() - 1);
}

NodeId FileTree::find(NodeId parent, std::string_view name) const {
  for (std::size_t i = slot_of(parent, name);; i = (i + 1) & (slots_.size() - 1)) {
    const NodeId id = slots_[i];
    if (id == kFree) return kNoNode;
    if (id != kDeleted && nodes_[id].parent == parent && nodes_[id].name == name) return id;
  }
}

void FileTree::rehash() {
  std::size_t live = 0;
  for (const NodeId id : slots_) live += id < kDeleted;
  std::size_t size = 64;
  while (size < live * 4) size *= 2;
  const std::vector<NodeId> old = std::exchange(slots_, std::vector<NodeId>(size, kFree));
  used_slots_ = live;
  for (const NodeId id : old) {
    if (id >= kDeleted) continue;
    std::size_t i = slot_of(nodes_[id].parent, nodes_[id].name);
    while (slots_[i] != kFree) i = (i + 1) & (size - 1);
    slots_[i] = id;
  }
}

NodeId FileTree::add(NodeId parent, std::string_view name, Kind kind, std::uint64_t value,
                     std::string_view target) {
  if ((used_slots_ + 1) * 2 > slots_.size()) rehash();
  const auto id = static_cast<NodeId>(nodes_.size());
  Node node;
  node.value = value;
  node.name = keep(name);
  node.target = keep(target);
  node.parent = parent;
  node.next = nodes_[parent].first_child;
  node.depth = static_cast<std::uint16_t>(nodes_[parent].depth + 1);
  node.kind = kind;
  if (node.next != kNoNode) nodes_[node.next].previous = id;
  nodes_[parent].first_child = id;
  std::size_t i = slot_of(parent, name);
  while (slots_[i] < kDeleted) i = (i + 1) & (slots_.size() - 1);
  used_slots_ += slots_[i] == kFree;
  slots_[i] = id;
  nodes_.push_back(node);
  return id;
}

void FileTree::erase_slot(NodeId id) {
  std::size_t i = slot_of(nodes_[id].parent, nodes_[id].name);
  while (slots_[i] != id) i = (i + 1) & (slots_.size() - 1);
  slots_[i] = kDeleted;
}

void FileTree::remove(NodeId id) {
  Node& top = nodes_[id];
  if (top.previous != kNoNode)
    nodes_[top.previous].next = top.next;
  else
    nodes_[top.parent].first_child = top.next;
  if (top.next != kNoNode) nodes_[top.next].previous = top.previous;
  std::vector<NodeId> pending = {id};
  while (!pending.empty()) {
    const NodeId gone = pending.back();
    pending.pop_back();
    erase_slot(gone);
    nodes_[gone].alive = false;
    for (NodeId child = nodes_[gone].first_child; child != kNoNode; child = nodes_[child].next)
      pending.push_back(child);
  }
}

std::string FileTree::path(NodeId id) const {
  std::vector<std::string_view> parts;
  std::size_t length = 0;
  for (; id != kRoot; id = nodes_[id].parent) {
    parts.push_back(nodes_[id].name);
    length += parts.back().size() + 1;
  }
  std::string text;
  text.reserve(length);
  for (; !parts.empty(); parts.pop_back()) {
    if (!text.empty()) text += '/';
    text += parts.back();
  }
  return text;
}

Result<NodeId> FileTree::resolve(std::string_view path, const MissingFolder& missing) const {
  std::vector<std::string_view> pending;
  push_components(pending, path);
  NodeId here = kRoot;
  int links = 0;
  while (!pending.empty()) {
    const std::string_view part = pending.back();
    pending.pop_back();
    if (part == "..") {
      if (here != kRoot) here = nodes_[here].parent;
      continue;
    }
    const NodeId child = find(here, part);
    if (child != kNoNode && nodes_[child].kind == Kind::folder) {
      here = child;
    } else if (child != kNoNode && nodes_[child].kind == Kind::symlink) {
      const std::string_view target = nodes_[child].target;
      if (++links > kMaxLinks || pending.size() + target.size() > kMaxPending)
        return Error{Fault::invalid, printable(path.substr(0, 200)) + ": too many symlinks"};
      if (target.starts_with('/')) here = kRoot;
      push_components(pending, target);
    } else {
      if (nodes_[here].depth >= kMaxPathDepth)
        return Error{Fault::invalid, printable(path.substr(0, 200)) + ": too deep"};
      here = TRY(missing(here, part, child));
      if (here == kNoNode) return kNoNode;
    }
  }
  return here;
}

Result<NodeId> FileTree::resolve(std::string_view path) const {
  return resolve(path, [](NodeId, std::string_view, NodeId) -> Result<NodeId> { return kNoNode; });
}

}  // namespace podpilot::oci
