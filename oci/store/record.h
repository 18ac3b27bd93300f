// SPDX-License-Identifier: Apache-2.0
// The store's small JSON files. What they say was true when they were written; a damaged one counts
// as absent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/digest.h"
#include "oci/limits.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

inline constexpr std::size_t kMaxImageRecordBytes = 3 * kMaxConfigBytes;  // JSON escapes
inline constexpr std::size_t kMaxRefRecordBytes = 64 << 10;

// images/<manifest>.json: an image that is complete.
struct ImageRecord {
  Digest manifest;
  std::string platform;
  std::string config;            // the verified bytes
  std::vector<Digest> diff_ids;  // of all layers in order, a repeated one each time
  std::string fixup;             // its name below fixups/
  std::string boot;              // the node's boot in which all of it was known to be whole
  std::uint64_t size = 0;        // about, of its layers on disk
  std::int64_t created = 0;      // seconds since 1970

  std::string str() const;
  static Result<ImageRecord> parse(std::string_view text);
};

// refs/<name>.json: what a reference meant when it was last resolved.
struct RefRecord {
  std::string reference;
  std::string platform;
  Digest manifest;             // of the platform
  std::optional<Digest> root;  // of what the registry has under the name; not in older records
  std::int64_t resolved = 0;

  std::string str() const;
  static Result<RefRecord> parse(std::string_view text);
};

// Without repetitions: overlayfs refuses to stack a folder twice. Of a repeated one the uppermost
// stays; the fix-up layer is computed for exactly that.
std::vector<Digest> stacked(const std::vector<Digest>& diff_ids);

}  // namespace podpilot::oci
