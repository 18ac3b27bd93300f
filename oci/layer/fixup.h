// SPDX-License-Identifier: Apache-2.0
// Layers that are unpacked each on its own and stacked by overlayfs mean something else than layers
// applied one after the other: a folder that a tar only implies hides the real one's mode, a path
// through a lower layer's symlink ends up beside it, a hard link into a lower layer has no target,
// a whiteout in a folder that nothing merges with shows. The fix-up is one small folder on top that
// makes the stack show the sequential tree. Planned purely, from the indexes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "oci/layer/image_tree.h"
#include "oci/layer/layer_tree.h"
#include "oci/layer/spill_vector.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct FixupStep {
  enum class Kind { folder, link, whiteout };

  Kind kind = Kind::folder;
  std::string_view path;  // "" is the root
  NodeSource source;      // of a folder's metadata, of a link's inode
};

// `layers` are the distinct ones in the order they are stacked, lowest first; `sequence` are
// indexes into them in the order they are applied. Parents come before what is in them, and the
// first step is always the root. `memory` is for the image's tree and the steps.
Result<SpillVector<FixupStep>> plan_fixup(
    const std::vector<LayerTree>& layers, const std::vector<std::uint16_t>& sequence,
    const std::shared_ptr<Spill>& memory = std::make_shared<Spill>());

// Carries the steps out in `root`, an empty folder on the layers' own filesystem. `layer_roots` are
// the `fs` folders of `layers`. `root` gets the image root's own mode.
Result<void> materialise_fixup(const SpillVector<FixupStep>& steps,
                               const std::vector<LayerTree>& layers,
                               const std::vector<DirFd>& layer_roots, BorrowedFd root,
                               const std::shared_ptr<Spill>& memory = std::make_shared<Spill>());

}  // namespace podpilot::oci
