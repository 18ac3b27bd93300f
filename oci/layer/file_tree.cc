// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/file_tree.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "oci/limits.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr int kMaxLinks = 40;               // the kernel's MAXSYMLINKS
constexpr std::size_t kMaxPending = 65536;  // components still to walk: links may multiply them
constexpr NodeId kFree = kNoNode;
constexpr NodeId kDeleted = kNoNode - 1;
constexpr std::size_t kFewestSlots = 64;

__extension__ using Wide = unsigned __int128;
constexpr std::uint64_t kPrime = (1ULL << 61) - 1;

// A polynomial of the name's pieces at a secret point, modulo a prime: whoever chose the names
// cannot have chosen them to collide (Carter and Wegman, 1979).
std::uint32_t hash_of(NodeId parent, std::string_view name) {
  static const std::uint64_t point = [] {
    std::random_device device;
    return (std::uint64_t{device()} << 32 | device()) % kPrime;
  }();
  constexpr std::size_t kPiece = 7;  // bytes that are less than the prime
  std::uint64_t sum = parent;
  const auto add = [&sum](std::uint64_t piece) {
    const Wide product = static_cast<Wide>(sum) * point + piece;
    // 2^61 is 1 modulo the prime.
    sum =
        (static_cast<std::uint64_t>(product) & kPrime) + static_cast<std::uint64_t>(product >> 61);
    if (sum >= kPrime) sum -= kPrime;
  };
  for (std::size_t at = 0; at < name.size(); at += kPiece) {
    std::uint64_t piece = 0;
    std::memcpy(&piece, name.data() + at, std::min(kPiece, name.size() - at));
    add(piece);
  }
  add(name.size());
  return static_cast<std::uint32_t>(sum ^ (sum >> 32));
}

// Puts the components of `path` on the stack, the first one on top.
void push_components(std::vector<std::string_view>& stack, std::string_view path) {
  const std::size_t below = stack.size();
  for (const std::string_view part : split(path, '/'))
    if (!part.empty() && part != ".") stack.push_back(part);
  std::reverse(stack.begin() + static_cast<std::ptrdiff_t>(below), stack.end());
}

}  // namespace

FileTree::FileTree(std::shared_ptr<Spill> memory)
    : memory_(std::move(memory)), nodes_(memory_), slots_(memory_) {
  slots_.append(kFewestSlots, Slot{kFree});
  nodes_.push_back({});
}

NodeId FileTree::find(NodeId parent, std::string_view name) const {
  const std::uint32_t hash = hash_of(parent, name);
  for (std::size_t i = hash;; ++i) {
    const Slot found = slots_[i & (slots_.size() - 1)];
    if (found.id == kFree) return kNoNode;
    if (found.id == kDeleted || found.hash != hash) continue;
    const Node& node = nodes_[found.id];
    if (node.parent == parent && node.name == name) return found.id;
  }
}

void FileTree::rehash() {
  std::size_t live = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) live += slots_[i].id < kDeleted;
  std::size_t size = kFewestSlots;
  while (size < live * 2) size *= 2;
  SpillVector<Slot> fresh(memory_);
  fresh.append(size, Slot{kFree});
  const SpillVector<Slot> old = std::exchange(slots_, std::move(fresh));
  used_slots_ = live;
  for (std::size_t at = 0; at < old.size(); ++at) {
    const Slot moved = old[at];
    if (moved.id >= kDeleted) continue;
    std::size_t i = moved.hash;
    while (slot(i).id != kFree) ++i;
    slot(i) = moved;
  }
}

NodeId FileTree::add(NodeId parent, std::string_view name, Kind kind, std::uint64_t value,
                     std::string_view target) {
  if ((used_slots_ + 1) * 4 > slots_.size() * 3) rehash();
  const auto id = static_cast<NodeId>(nodes_.size());
  Node node;
  node.value = value;
  node.name = memory_->keep(name);
  if (!target.empty()) node.target = memory_->keep(target);
  node.parent = parent;
  node.next = nodes_[parent].first_child;
  node.depth = static_cast<std::uint16_t>(nodes_[parent].depth + 1);
  node.kind = kind;
  if (node.next != kNoNode) nodes_[node.next].previous = id;
  nodes_[parent].first_child = id;
  const std::uint32_t hash = hash_of(parent, name);
  std::size_t i = hash;
  while (slot(i).id < kDeleted) ++i;
  used_slots_ += slot(i).id == kFree;
  slot(i) = {id, hash};
  nodes_.push_back(node);
  return id;
}

void FileTree::erase_slot(NodeId id) {
  std::size_t i = hash_of(nodes_[id].parent, nodes_[id].name);
  while (slot(i).id != id) ++i;
  slot(i).id = kDeleted;
}

std::size_t FileTree::longest_search() const {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    run = slots_[i].id == kFree ? 0 : run + 1;
    longest = std::max(longest, run);
  }
  return longest;
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
