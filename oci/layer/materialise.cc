// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <memory>
#include <string>

#include "oci/layer/entry_path.h"
#include "oci/layer/fixup.h"
#include "oci/layer/folder_cache.h"
#include "oci/layer/layer_disk.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

struct Metadata {
  mode_t mode = 0755;
  FileTime time;
};

// The user.* attributes that the layer's own copy of a folder has.
Result<Xattrs> read_xattrs(BorrowedFd parent, const char* name) {
  const UniqueFd fd(::openat(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return sys_error("open");
  std::string names(64 << 10, 0);  // XATTR_LIST_MAX
  const ssize_t size = ::flistxattr(fd.get(), names.data(), names.size());
  if (size < 0) return sys_error("flistxattr");
  names.resize(static_cast<std::size_t>(size));
  Xattrs found;
  for (const std::string_view part : split(names, '\0')) {
    if (!is_kept_xattr(part)) continue;
    std::string value(64 << 10, 0);  // XATTR_SIZE_MAX
    const std::string key(part);
    const ssize_t n = ::fgetxattr(fd.get(), key.c_str(), value.data(), value.size());
    if (n < 0) return sys_error("fgetxattr " + key);
    value.resize(static_cast<std::size_t>(n));
    found.emplace_back(key, std::move(value));
  }
  return found;
}

class Materialiser {
 public:
  Materialiser(const std::vector<LayerTree>& layers, const std::vector<DirFd>& layer_roots,
               BorrowedFd root, const std::shared_ptr<Spill>& memory)
      : layers_(layers), root_(root), tree_(memory), folders_(tree_, root), made_(memory) {
    for (std::size_t i = 0; i < layers.size(); ++i)
      sources_.push_back(std::make_unique<FolderCache>(layers[i].files(), layer_roots[i], 1));
  }

  Result<void> run(const SpillVector<FixupStep>& steps) {
    for (std::size_t i = 0; i < steps.size(); ++i)
      TRY(carry_out(steps[i]).within(printable(steps[i].path)));
    // Deepest first, as in LayerBuilder::finish().
    for (std::size_t i = made_.size(); i-- > 0;) TRY(finish(made_[i]));
    return {};
  }

 private:
  struct Made {
    NodeId node;
    NodeSource source;
  };

  Result<void> carry_out(const FixupStep& step) {
    if (step.path.empty()) {
      made_.push_back({FileTree::kRoot, step.source});
      return {};
    }
    const NodeId folder = TRY(tree_.resolve(parent_of(step.path)));
    if (folder == kNoNode) return Error{Fault::internal, "a step before its parent's"};
    const BorrowedFd parent = TRY(folders_.open(folder));
    const bool is_folder = step.kind == FixupStep::Kind::folder;
    const NodeId node = tree_.add(folder, base_of(step.path),
                                  is_folder ? FileTree::Kind::folder : FileTree::Kind::other, 0);
    const char* name = tree_[node].name.data();
    if (step.kind == FixupStep::Kind::whiteout) return disk_.make_whiteout(parent, name);
    if (step.kind == FixupStep::Kind::link) return link(step.source, parent, name);
    const Xattrs xattrs = TRY(xattrs_of(step.source));
    TRY(disk_.make_folder(parent, name, 0700));
    made_.push_back({node, step.source});
    return disk_.set_folder_xattrs(parent, name, xattrs);
  }

  // The folder of `layer` that holds the node, for calls that take its name.
  Result<BorrowedFd> source_parent(NodeSource source, NodeId node) {
    return sources_[source.layer]->open(layers_[source.layer].files()[node].parent);
  }

  Result<void> link(NodeSource source, BorrowedFd parent, const char* name) {
    const LayerTree& layer = layers_[source.layer];
    const NodeId node = layer.node_of_entry(source.entry);
    if (node == kNoNode) return Error{Fault::internal, "a link to what is not on disk"};
    const BorrowedFd from = TRY(source_parent(source, node));
    return disk_.make_link(from, layer.files()[node].name.data(), parent, name);
  }

  const LayerEntry& line_of(NodeSource source) const {
    return layers_[source.layer].index().entries[source.entry];
  }

  Metadata metadata_of(NodeSource source) const {
    if (source.entry == NodeSource::kImplied) return {};
    const LayerEntry& line = line_of(source);
    // Closed folders stay closed: nothing is read here again.
    return {stored_file_mode(line.mode), {line.mtime, line.mtime_nsec}};
  }

  Result<Xattrs> xattrs_of(NodeSource source) {
    if (source.entry == NodeSource::kImplied || !line_of(source).xattrs) return Xattrs();
    const LayerTree& layer = layers_[source.layer];
    const NodeId node = layer.node_of_entry(source.entry);
    if (node == FileTree::kRoot) return Xattrs();
    const BorrowedFd parent = TRY(source_parent(source, node));
    return read_xattrs(parent, layer.files()[node].name.data());
  }

  Result<void> finish(const Made& made) {
    const Metadata metadata = metadata_of(made.source);
    if (made.node == FileTree::kRoot) {
      if (::fchmod(root_.get(), metadata.mode) != 0) return sys_error("chmod fix-up");
      return {};
    }
    const FileTree::Node& node = tree_[made.node];
    const BorrowedFd parent = TRY(folders_.open(node.parent));
    return disk_.finish_folder(parent, node.name.data(), 0700, metadata.mode, metadata.time);
  }

  const std::vector<LayerTree>& layers_;
  std::vector<std::unique_ptr<FolderCache>> sources_;
  BorrowedFd root_;
  FileTree tree_;
  FolderCache folders_;
  LayerDisk disk_{LayerDisk::kUnknownUmask};
  SpillVector<Made> made_;
};

}  // namespace

Result<void> materialise_fixup(const SpillVector<FixupStep>& steps,
                               const std::vector<LayerTree>& layers,
                               const std::vector<DirFd>& layer_roots, BorrowedFd root,
                               const std::shared_ptr<Spill>& memory) {
  return Materialiser(layers, layer_roots, root, memory).run(steps);
}

}  // namespace podpilot::oci
