// SPDX-License-Identifier: Apache-2.0
// One file, symlink or FIFO made anew in another folder, with its mode, times and user xattrs.
#pragma once

#include <stop_token>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/ledger.h"

namespace podpilot::sandbox {

// The content is shared where the filesystem can (FICLONE), holes stay holes. A file whose mode
// keeps its owner, us, from reading it is opened up for a moment, which `ledger` is told. Anything
// but those three kinds is Fault::unsupported. What is half made when this fails stays.
Result<void> copy_entry(BorrowedFd from, BorrowedFd to, const char* name,
                        const std::stop_token& stop, Ledger& ledger);

}  // namespace podpilot::sandbox
