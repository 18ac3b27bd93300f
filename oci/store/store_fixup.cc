// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "oci/layer/fixup.h"
#include "oci/store/staging.h"
#include "oci/store/store.h"
#include "oci/store/stored_layer.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"

namespace podpilot::oci {
namespace {

// The distinct layers of an image with all that a plan needs. Indexes do not move once they are
// parsed: trees point into them.
struct LoadedLayers {
  std::shared_ptr<Spill> memory;
  std::vector<DirFd> roots;
  std::vector<LayerIndex> indexes;
  std::vector<LayerTree> trees;
};

Result<LoadedLayers> load(const StoreLayout& store, const std::vector<Digest>& stack) {
  LoadedLayers loaded;
  loaded.memory = std::make_shared<Spill>(store.staging);
  for (const Digest& id : stack) {
    const DirFd layer = TRY(open_layer(store, id).within(id.str()));
    LayerIndex index = TRY(read_layer_index(layer, loaded.memory).within(id.str()));
    UniqueFd root = TRY(open_beneath(layer, "fs", O_RDONLY | O_DIRECTORY));
    loaded.indexes.push_back(std::move(index));
    loaded.roots.emplace_back(std::move(root));
  }
  for (std::size_t i = 0; i < stack.size(); ++i) {
    LayerTree tree = TRY(LayerTree::of(loaded.indexes[i]).within(stack[i].str()));
    loaded.trees.push_back(std::move(tree));
  }
  return loaded;
}

}  // namespace

// By what it is made from, and by the boot it was made in: after a restart another one is made,
// because a fix-up has no checksums by which an old one could be trusted.
std::string Store::fixup_name(const std::vector<Digest>& diff_ids) const {
  Sha256 sum;
  sum.update("podpilot fix-up 1\n");
  for (const Digest& id : diff_ids) sum.update(id.str() + "\n");
  return fmt::format("{}-{}", sum.finish().hex(), layout_.boot.empty() ? "0" : layout_.boot);
}

Result<FileLock> Store::ensure_fixup(const std::string& name, const std::vector<Digest>& diff_ids,
                                     const std::stop_token& stop) {
  const auto exists = [&] {
    return ::faccessat(layout_.fixups.get(), (name + "/fs").c_str(), F_OK, 0) == 0;
  };
  for (;;) {
    FileLock shared =
        TRY(FileLock::acquire(layout_.locks, fixup_lock(name), FileLock::Mode::shared, stop));
    if (exists()) return shared;
    shared = FileLock();
    const FileLock own =
        TRY(FileLock::acquire(layout_.locks, fixup_lock(name), FileLock::Mode::exclusive, stop));
    if (!exists()) TRY(make_fixup(name, diff_ids));
  }
}

Result<void> Store::make_fixup(const std::string& name, const std::vector<Digest>& diff_ids) {
  const std::vector<Digest> stack = stacked(diff_ids);
  const LoadedLayers layers = TRY(load(layout_, stack));
  std::vector<std::uint16_t> sequence;
  for (const Digest& id : diff_ids)
    sequence.push_back(static_cast<std::uint16_t>(std::ranges::find(stack, id) - stack.begin()));
  const SpillVector<FixupStep> steps = TRY(plan_fixup(layers.trees, sequence, layers.memory));
  Staging staging = TRY(Staging::create(layout_.staging));
  const DirFd root = TRY(make_dir_at(staging.dir(), "fs", 0700));
  TRY(materialise_fixup(steps, layers.trees, layers.roots, root, layers.memory));
  if (layout_.boot.empty() && ::syncfs(root.get()) != 0) return sys_error("syncfs");
  return staging.commit(layout_.fixups, name);
}

}  // namespace podpilot::oci
