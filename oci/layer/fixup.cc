// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/fixup.h"

#include <algorithm>
#include <string_view>

#include "oci/layer/layer_disk.h"

namespace podpilot::oci {
namespace {

using Kind = FileTree::Kind;
using Step = FixupStep::Kind;

// What overlayfs merges into one folder: the topmost first.
struct Slice {
  std::uint16_t layer = 0;
  NodeId node = kNoNode;
};
using Stack = std::vector<Slice>;

// What overlayfs finds under a name: nothing, one thing that is no folder, or folders to merge.
struct Found {
  Stack folders;
  Slice other;
};

class Planner {
 public:
  Planner(const std::vector<LayerTree>& layers, const ImageTree& image,
          const std::shared_ptr<Spill>& memory)
      : layers_(layers), image_(image), memory_(memory), steps_(memory) {}

  SpillVector<FixupStep> plan() {
    Stack all;
    for (std::size_t i = layers_.size(); i-- > 0;)
      all.push_back({static_cast<std::uint16_t>(i), FileTree::kRoot});
    add(Step::folder, "", image_.source(FileTree::kRoot));
    compare_children(FileTree::kRoot, "", all);
    return std::move(steps_);
  }

 private:
  void add(Step kind, std::string_view path, NodeSource source) {
    steps_.push_back({kind, memory_->keep(path), source});
  }

  const FileTree& files(Slice slice) const { return layers_[slice.layer].files(); }

  Found look_up(const Stack& stack, std::string_view name) const {
    Found found;
    for (const Slice folder : stack) {
      const NodeId node = files(folder).find(folder.node, name);
      if (node == kNoNode) continue;
      const Slice here{folder.layer, node};
      if (files(here)[node].kind != Kind::folder) {
        const bool hidden = layers_[here.layer].is_whiteout(node);
        if (found.folders.empty() && !hidden) found.other = here;
        break;
      }
      found.folders.push_back(here);
      if (layers_[here.layer].is_opaque(node)) break;
    }
    return found;
  }

  // What is wanted, and what is not but shows.
  void compare_children(NodeId wanted, const std::string& path, const Stack& stack) {
    const FileTree& image = image_.files();
    const std::string folder = path.empty() ? path : path + '/';
    for (NodeId id = image[wanted].first_child; id != kNoNode; id = image[id].next) {
      const std::string_view name = image[id].name;
      compare(id, folder + std::string(name), look_up(stack, name));
    }
    for (std::size_t i = 0; i < stack.size(); ++i) {
      const FileTree& tree = files(stack[i]);
      for (NodeId id = tree[stack[i].node].first_child; id != kNoNode; id = tree[id].next) {
        const std::string_view name = tree[id].name;
        if (image.find(wanted, name) != kNoNode || is_in_upper(stack, i, name)) continue;
        const Found shown = look_up(stack, name);
        if (!shown.folders.empty() || shown.other.node != kNoNode)
          add(Step::whiteout, folder + std::string(name), {});
      }
    }
  }

  bool is_in_upper(const Stack& stack, std::size_t below, std::string_view name) const {
    return std::any_of(stack.begin(), stack.begin() + static_cast<std::ptrdiff_t>(below),
                       [&](Slice s) { return files(s).find(s.node, name) != kNoNode; });
  }

  void compare(NodeId wanted, const std::string& path, const Found& shown) {
    if (image_.files()[wanted].kind != Kind::folder) {
      const Slice other = shown.other;
      const bool same = other.node != kNoNode && image_.source(wanted).same_origin(origin(other));
      if (!same) add(Step::link, path, image_.source(wanted));
      return;
    }
    if (shown.folders.empty()) return make(wanted, path);
    const std::size_t before = steps_.size();
    add(Step::folder, path, image_.source(wanted));
    compare_children(wanted, path, shown.folders);
    const bool needed = steps_.size() > before + 1 ||
                        !same_metadata(image_.source(wanted), shown.folders.front()) ||
                        shows_whiteouts(shown.folders);
    if (!needed) steps_.pop_back();
  }

  // Where overlayfs shows no folder: the folder with everything that belongs into it.
  void make(NodeId wanted, const std::string& path) {
    const FileTree& tree = image_.files();
    const bool folder = tree[wanted].kind == Kind::folder;
    add(folder ? Step::folder : Step::link, path, image_.source(wanted));
    for (NodeId id = tree[wanted].first_child; id != kNoNode; id = tree[id].next)
      make(id, path + '/' + std::string(tree[id].name));
  }

  NodeSource origin(Slice slice) const {
    return {layers_[slice.layer].inode(slice.node), slice.layer, 0};
  }

  bool same_metadata(NodeSource wanted, Slice shown) const {
    static const LayerEntry implied = [] {
      LayerEntry entry;
      entry.mode = 0755;
      return entry;
    }();
    const LayerEntry& a = wanted.entry == NodeSource::kImplied
                              ? implied
                              : layers_[wanted.layer].index().entries[wanted.entry];
    const LayerEntry& b = layers_[shown.layer].entry(shown.node);
    if (stored_file_mode(a.mode) != stored_folder_mode(b.mode)) return false;
    return wanted.same_origin(origin(shown)) ||
           (a.mtime == b.mtime && a.mtime_nsec == b.mtime_nsec && !a.xattrs && !b.xattrs);
  }

  // readdir(3) leaves whiteouts out only where several folders are merged.
  bool shows_whiteouts(const Stack& stack) const {
    if (stack.size() != 1) return false;
    const LayerTree& layer = layers_[stack[0].layer];
    const FileTree& tree = layer.files();
    for (NodeId id = tree[stack[0].node].first_child; id != kNoNode; id = tree[id].next)
      if (tree[id].kind == Kind::other && layer.is_whiteout(id)) return true;
    return false;
  }

  const std::vector<LayerTree>& layers_;
  const ImageTree& image_;
  const std::shared_ptr<Spill>& memory_;
  SpillVector<FixupStep> steps_;
};

}  // namespace

Result<SpillVector<FixupStep>> plan_fixup(const std::vector<LayerTree>& layers,
                                          const std::vector<std::uint16_t>& sequence,
                                          const std::shared_ptr<Spill>& memory) {
  ImageTree image(memory);
  for (const std::uint16_t layer : sequence) TRY(image.apply(layers[layer], layer));
  return Planner(layers, image, memory).plan();
}

}  // namespace podpilot::oci
