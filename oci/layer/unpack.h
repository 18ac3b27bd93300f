// SPDX-License-Identifier: Apache-2.0
// One layer from its served bytes to a folder on disk, everything at once: bytes arrive and are
// hashed and inflated on the calling thread, the tar is hashed and unpacked on another.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

#include "oci/descriptor.h"
#include "oci/source.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct UnpackOptions {
  std::stop_token stop;
  std::function<void(std::uint64_t bytes_done)> progress;  // of the served bytes; may be empty
  std::string_view boot;                                   // for the index: sandbox' boot id
};

// Feeds the blob to the sink, as Source::blob does.
using Fetch = std::function<Result<void>(const Sink& sink)>;

// Makes `fs` and `index` in the empty folder `into`. Succeeds only if size and digest of the served
// bytes and the digest of all unpacked ones are right; whatever is in `into` after a failure is
// worthless. Where both the content and a digest are wrong, the digest is what is reported
// (Fault::corrupt): the content is then not what the image's author made.
Result<void> unpack_layer(const Fetch& fetch, const Descriptor& blob, const Digest& diff_id,
                          BorrowedFd into, const UnpackOptions& options);

}  // namespace podpilot::oci
