// SPDX-License-Identifier: Apache-2.0
// Short ways to unpack a layer that a test made.
#pragma once

#include <string>
#include <string_view>

#include "oci/layer/layer_index.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::test {

// Served as `served`, unpacking to `tar`, into the empty folder `into`; arriving in pieces.
Result<void> unpack(std::string_view served, std::string_view tar, BorrowedFd into,
                    std::size_t piece = 100'000);
inline Result<void> unpack(std::string_view tar, BorrowedFd into) {
  return unpack(tar, tar, into);
}

// What went wrong; an empty text if nothing did.
template <typename T>
Error error_of(const Result<T>& result) {
  return result ? Error{} : result.error();
}

// The index as text without its first and last line and without uid, gid and time: "D 0755 usr".
std::string brief_index(BorrowedFd layer);

}  // namespace podpilot::test
