// SPDX-License-Identifier: Apache-2.0
// Whole reads and writes. EINTR and short counts are handled here and nowhere else; every read
// has a limit, and a file over it is Fault::invalid, never a truncated value.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot {

// Reads to the end of the stream.
Result<std::string> read_all(BorrowedFd fd, std::size_t limit);

// Bytes read, 0 at the end. For non-blocking descriptors EAGAIN comes back as Fault::transient.
Result<std::size_t> read_some(BorrowedFd fd, char* buffer, std::size_t size);

Result<void> write_all(BorrowedFd fd, std::string_view bytes);

// Opens below `dir` without following a last symlink (O_NOFOLLOW); refuses anything but a file.
Result<std::string> read_file_at(BorrowedFd dir, const std::string& name, std::size_t limit);

// A path of the operator's or of the kernel's: symlinks are followed.
Result<std::string> read_file(const std::string& path, std::size_t limit);

// Without a name, to be handed on; it is read from its begin.
Result<UniqueFd> memory_file(const char* name, std::string_view bytes);

enum class Durable { no, yes };

// A reader sees the old content or the new, never a part: temporary name, write, rename.
// Durable::yes also fsyncs the file before the rename and the folder after it.
Result<void> replace_file_at(BorrowedFd dir, const std::string& name, std::string_view bytes,
                             mode_t mode, Durable durable);

}  // namespace podpilot
