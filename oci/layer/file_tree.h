// SPDX-License-Identifier: Apache-2.0
// A tree of names in memory. Every path of a layer is resolved here, by the tree's own symlinks and
// never by the kernel's view of them, so that what reaches a system call is a folder that we made
// and one component below it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include "oci/layer/spill_vector.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = ~NodeId{0};

class FileTree {
 public:
  enum class Kind : std::uint8_t { folder, symlink, other };

  // Kept small: some images have millions.
  struct Node {
    std::uint64_t value = 0;       // the owner's
    std::string_view name;         // a NUL follows, as after target: data() is a C string
    std::string_view target = "";  // of a symlink
    NodeId parent = kNoNode;
    NodeId first_child = kNoNode;
    NodeId next = kNoNode;  // siblings, in no order
    NodeId previous = kNoNode;
    std::uint16_t depth = 0;
    Kind kind = Kind::folder;
    bool alive = true;
  };

  static constexpr NodeId kRoot = 0;

  explicit FileTree(std::shared_ptr<Spill> memory = std::make_shared<Spill>());

  // Removed nodes stay readable, with alive == false. Ids are never used twice, and a child's is
  // always above its parent's.
  const Node& operator[](NodeId id) const { return nodes_[id]; }
  std::size_t size() const { return nodes_.size(); }
  void set_value(NodeId id, std::uint64_t value) { nodes_[id].value = value; }

  NodeId find(NodeId parent, std::string_view name) const;
  // `name` is not there yet. Copies its strings.
  NodeId add(NodeId parent, std::string_view name, Kind kind, std::uint64_t value,
             std::string_view target = {});
  // With everything below it; not the root.
  void remove(NodeId id);

  // Places of the table that a search for what is not there looks at, at most: what a hostile
  // choice of names would drive up.
  std::size_t longest_search() const;

  // "usr/bin/ls"; "" for the root.
  std::string path(NodeId id) const;

  // Called where the way to a folder meets a missing name (`existing` is kNoNode) or something that
  // is neither folder nor symlink. Gives the folder to go on in, or refuses.
  using MissingFolder =
      std::function<Result<NodeId>(NodeId parent, std::string_view name, NodeId existing)>;

  // The folder that `path` leads to as a process with this root would see it: symlinks are
  // followed (the last one too), absolute ones and `..` stay inside. No folder is asked for deeper
  // than kMaxPathDepth.
  Result<NodeId> resolve(std::string_view path, const MissingFolder& missing) const;
  // As resolve(), kNoNode where there is no such folder.
  Result<NodeId> resolve(std::string_view path) const;

 private:
  // The hash is kept so that neither a search nor a larger table looks at nodes that do not match.
  struct Slot {
    NodeId id = kNoNode;
    std::uint32_t hash = 0;
  };

  Slot& slot(std::size_t i) { return slots_[i & (slots_.size() - 1)]; }
  void rehash();
  void erase_slot(NodeId id);

  std::shared_ptr<Spill> memory_;
  SpillVector<Node> nodes_;
  SpillVector<Slot> slots_;  // open addressing by (parent, name)
  std::size_t used_slots_ = 0;
};

}  // namespace podpilot::oci
