// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/ledger.h"
#include "sandbox/tree_stats.h"

namespace podpilot::sandbox {

// A private copy of the folder `name` of `from`, under the same name in `to`, where nothing has
// that name: no file shares an inode with the source, so it may be written to. Modes, times, user
// xattrs, symlinks and holes are kept, and hard links among its files. Sockets and devices are left
// out. What the source's modes close to its owner, us, is opened up meanwhile: `ledger` is told, as
// the files may be links to a layer's. More than `room` bytes are Fault::exhausted. What a failure
// leaves in `to` is for the caller to remove.
Result<TreeStats> copy_tree(BorrowedFd from, const std::string& name, BorrowedFd to,
                            const std::stop_token& stop, Ledger& ledger,
                            std::uint64_t room = UINT64_MAX);

}  // namespace podpilot::sandbox
