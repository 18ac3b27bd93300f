// SPDX-License-Identifier: Apache-2.0
// One layer of a store: its index, whether it is whole, and what was found to be damaged.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oci/layer/layer_index.h"
#include "oci/store/layout.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// layers/<hex>/; not_found if it is not there.
Result<DirFd> open_layer(const StoreLayout& store, const Digest& diff_id);
Result<LayerIndex> read_layer_index(BorrowedFd layer,
                                    std::shared_ptr<Spill> memory = std::make_shared<Spill>());
Result<LayerTotals> read_layer_totals_in(BorrowedFd layer);

// Compares `fs` with the index: what is there, types, modes, sizes, link targets and the content of
// files. Problems, at most `limit` of them; none means whole. A file's content that its own mode
// keeps from us (000, as an ordinary user) is not compared.
Result<std::vector<std::string>> find_damage(BorrowedFd layer, std::size_t limit);

// Whether nothing can have happened to the layer's bytes since it was made: it was made in this
// boot of the node (a process' death loses nothing that it has written), or was compared and
// flushed to disk since.
Result<bool> is_settled(BorrowedFd layer, const std::string& boot);
// For a layer that was found whole: flushes it to disk, and says so for all boots to come.
Result<void> mark_settled(BorrowedFd layer);

}  // namespace podpilot::oci
