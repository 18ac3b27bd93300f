// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/folder_cache.h"

#include <fcntl.h>

#include <algorithm>
#include <string>

#include "sandbox/base/path.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kMaxWalk = 2048;  // bytes of a path in one call, well below PATH_MAX

}  // namespace

FolderCache::Slot* FolderCache::find(NodeId folder) {
  for (Slot& slot : slots_)
    if (slot.folder == folder) return &slot;
  return nullptr;
}

Result<BorrowedFd> FolderCache::open(NodeId folder) {
  if (folder == FileTree::kRoot) return BorrowedFd(root_);
  Slot* slot = find(folder);
  if (!slot) {
    UniqueFd fd = TRY(walk(folder));
    if (slots_.size() < capacity_)
      slot = &slots_.emplace_back();
    else
      slot = &*std::ranges::min_element(slots_, {}, &Slot::used);
    slot->folder = folder;
    slot->fd = std::move(fd);
  }
  slot->used = ++clock_;
  return BorrowedFd(slot->fd);
}

Result<UniqueFd> FolderCache::walk(NodeId folder) {
  std::vector<std::string_view> names;
  BorrowedFd from = root_;
  for (NodeId at = folder; at != FileTree::kRoot; at = tree_[at].parent) {
    if (const Slot* slot = find(at)) {
      from = slot->fd;
      break;
    }
    names.push_back(tree_[at].name);
  }
  UniqueFd here;
  while (!names.empty()) {
    std::string path;
    while (!names.empty() && path.size() < kMaxWalk) {
      if (!path.empty()) path += '/';
      path += names.back();
      names.pop_back();
    }
    here = TRY(open_beneath(from, path, O_PATH | O_DIRECTORY));
    from = here;
  }
  return here;
}

}  // namespace podpilot::oci
