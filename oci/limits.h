// SPDX-License-Identifier: Apache-2.0
// Every limit on what a registry or an image may make us do.
#pragma once

#include <cstddef>
#include <cstdint>

namespace podpilot::oci {

inline constexpr std::size_t kMaxManifestBytes = 4 << 20;  // distribution-spec: registries' own cap
inline constexpr std::size_t kMaxConfigBytes = 4 << 20;
inline constexpr std::size_t kMaxTokenBytes = 1 << 20;
inline constexpr std::size_t kMaxErrorBodyBytes = 64 << 10;
inline constexpr std::size_t kMaxLayers =
    498;  // overlayfs stacks 500; fix-up and upper come on top
inline constexpr std::size_t kMaxIndexManifests = 1000;
inline constexpr std::size_t kMaxReferenceBytes = 4096;
inline constexpr std::uint64_t kMaxArchiveMembers = 100'000;  // of an image in one tar

inline constexpr std::uint64_t kMaxLayerBytes = 1ULL << 40;  // unpacked, one layer
inline constexpr std::uint64_t kMaxLayerEntries = 4'000'000;
inline constexpr std::uint64_t kMaxLayerIndexBytes = 1ULL << 30;
inline constexpr std::size_t kMaxPathBytes = 16 << 10;  // of a tar entry's name
inline constexpr std::size_t kMaxPathDepth = 512;
inline constexpr std::size_t kMaxXattrsPerEntry = 64;
inline constexpr std::size_t kMaxXattrBytes = 64
                                              << 10;  // one value, the kernel's own XATTR_SIZE_MAX
inline constexpr int kMaxZstdWindowLog = 27;
inline constexpr std::uint64_t kMaxZstdWindow = 1ULL << kMaxZstdWindowLog;
// What zstd gives without --ultra or --long; above it one layer is inflated at a time.
inline constexpr std::uint64_t kFreeZstdWindow = 8ULL << 20;
// A stream may inflate to this many times its compressed size, beyond a free first allowance
// (deflate's own maximum is about 1032; real layers stay below 100).
inline constexpr std::uint64_t kMaxInflateRatio = 1100;
inline constexpr std::uint64_t kInflateAllowance = 64ULL << 20;

}  // namespace podpilot::oci
