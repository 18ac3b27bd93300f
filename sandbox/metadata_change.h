// SPDX-License-Identifier: Apache-2.0
// Carries out a change of metadata_call.h: the file is opened as the caller's path means it, and
// changed by that descriptor. Functions answer 0 or the errno that the caller gets.
#pragma once

#include <string>

#include "sandbox/base/fd.h"
#include "sandbox/caller.h"
#include "sandbox/metadata_call.h"

namespace podpilot::sandbox {

// What the call points at, out of the caller's memory.
struct Operands {
  std::string path;
  std::string name;
  std::string value;
  Times times;
};
int read_operands(const Caller& caller, const MetadataCall& call, Operands& out);

// With O_PATH: nothing happens to the file, and nothing of it can be slow.
int open_target(const Caller& caller, const MetadataCall& call, const std::string& path,
                UniqueFd& out);
int change(BorrowedFd file, const MetadataCall& call, const Operands& operands);

// What the payload is told of a file that it must not change.
int refusal(Change change);

}  // namespace podpilot::sandbox
