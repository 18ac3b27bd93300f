// SPDX-License-Identifier: Apache-2.0
// Descriptors (O_PATH) of the folders of a tree on disk, by their node in its model. Tars go
// through a tree folder by folder, so that a few of them save nearly every path walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "oci/layer/file_tree.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class FolderCache {
 public:
  static constexpr std::size_t kDefaultSlots = 24;

  // Both outlive the cache; `root` is the disk's side of the tree's root.
  FolderCache(const FileTree& tree, BorrowedFd root, std::size_t slots = kDefaultSlots)
      : tree_(tree), root_(root), capacity_(slots) {}

  // Stays open until as many others as there are slots were asked for.
  Result<BorrowedFd> open(NodeId folder);

 private:
  struct Slot {
    NodeId folder = kNoNode;
    UniqueFd fd;
    std::uint64_t used = 0;
  };
  Slot* find(NodeId folder);
  Result<UniqueFd> walk(NodeId folder);

  const FileTree& tree_;
  BorrowedFd root_;
  std::size_t capacity_;
  std::vector<Slot> slots_;
  std::uint64_t clock_ = 0;
};

}  // namespace podpilot::oci
