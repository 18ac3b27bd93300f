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
  Xattrs xattrs;
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
               BorrowedFd root)
      : layers_(layers), root_(root), folders_(tree_, root) {
    for (std::size_t i = 0; i < layers.size(); ++i)
      sources_.push_back(std::make_unique<FolderCache>(layers[i].files(), layer_roots[i], 1));
  }

  Result<void> run(const std::vector<FixupStep>& steps) {
    for (const FixupStep& step : steps) TRY(carry_out(step).within(printable(step.path)));
    // Deepest first, as in LayerBuilder::finish().
    for (std::size_t i = made_.size(); i-- > 0;) TRY(finish(made_[i].node, made_[i].metadata));
    return {};
  }

 private:
  struct Made {
    NodeId node;
    Metadata metadata;
  };

  Result<void> carry_out(const FixupStep& step) {
    if (step.path.empty()) {
      Metadata metadata = TRY(metadata_of(step.source));
      made_.push_back({FileTree::kRoot, std::move(metadata)});
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
    Metadata metadata = TRY(metadata_of(step.source));
    TRY(disk_.make_folder(parent, name, 0700));
    TRY(disk_.set_folder_xattrs(parent, name, metadata.xattrs));
    made_.push_back({node, std::move(metadata)});
    return {};
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

  Result<Metadata> metadata_of(NodeSource source) {
    Metadata metadata;
    if (source.entry == NodeSource::kImplied) return metadata;
    const LayerTree& layer = layers_[source.layer];
    const LayerEntry& line = layer.index().entries[source.entry];
    metadata.mode = stored_file_mode(line.mode);  // closed ones too: nothing is read here again
    metadata.time = {line.mtime, line.mtime_nsec};
    const NodeId node = layer.node_of_entry(source.entry);
    if (!line.xattrs || node == FileTree::kRoot) return metadata;
    const BorrowedFd parent = TRY(source_parent(source, node));
    metadata.xattrs = TRY(read_xattrs(parent, layer.files()[node].name.data()));
    return metadata;
  }

  Result<void> finish(NodeId node, const Metadata& metadata) {
    if (node == FileTree::kRoot) {
      if (::fchmod(root_.get(), metadata.mode) != 0) return sys_error("chmod fix-up");
      return {};
    }
    const BorrowedFd parent = TRY(folders_.open(tree_[node].parent));
    return disk_.finish_folder(parent, tree_[node].name.data(), 0700, metadata.mode, metadata.time);
  }

  const std::vector<LayerTree>& layers_;
  std::vector<std::unique_ptr<FolderCache>> sources_;
  BorrowedFd root_;
  FileTree tree_;
  FolderCache folders_;
  LayerDisk disk_{LayerDisk::kUnknownUmask};
  std::vector<Made> made_;
};

}  // namespace

Result<void> materialise_fixup(const std::vector<FixupStep>& steps,
                               const std::vector<LayerTree>& layers,
                               const std::vector<DirFd>& layer_roots, BorrowedFd root) {
  return Materialiser(layers, layer_roots, root).run(steps);
}

}  // namespace podpilot::oci
