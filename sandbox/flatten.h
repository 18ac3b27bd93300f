// SPDX-License-Identifier: Apache-2.0
// The files of an image where nothing can be mounted: a stack of layers in overlayfs' format
// becomes a plain tree on the same disk, which costs a link a file and no content.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/ledger.h"
#include "sandbox/tree_stats.h"

namespace podpilot::sandbox {

// Makes in the empty folder `target` what overlayfs would show of `layers` (absolute paths, lowest
// first): files and symlinks are links to the layers' own, or copies where the filesystem refuses a
// link; folders and FIFOs are made anew; sockets and devices are left out. Folders of a layer that
// their owner cannot read are opened up meanwhile.
//
// Afterwards `ledger` knows all the layers: those it did not know are taken for good, links to what
// was good in the others are followed. What was not good is made all the same and named in
// `changed`: the tree must not be used before the caller has looked at those.
// When this fails (Fault::transient: stopped; Fault::exhausted: copies of more than `room` bytes),
// what is in `target` is for remove_flattened(). One descriptor a layer is held.
Result<TreeStats> flatten(const std::vector<std::string>& layers, const std::string& target,
                          const std::stop_token& stop, Ledger& ledger,
                          std::uint64_t room = UINT64_MAX);

// remove_tree() for such a tree, on the filesystem of its layers: the ledger follows the links that
// go. One that remove_tree() itself removes makes its files differ.
Result<void> remove_flattened(BorrowedFd parent, const std::string& name, Ledger& ledger);

}  // namespace podpilot::sandbox
