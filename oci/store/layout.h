// SPDX-License-Identifier: Apache-2.0
// The folders of a store and the names in them. FORMAT.md tells them all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oci/digest.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Two formats never share a folder. A build with another number (-DPODPILOT_STORE_FORMAT=2) works
// beside this one and neither touches the other's.
#ifdef PODPILOT_STORE_FORMAT
inline constexpr int kStoreFormat = PODPILOT_STORE_FORMAT;
#else
inline constexpr int kStoreFormat = 1;
#endif

// What an operator knows of a cache's flock(2) that statfs(2) does not tell (filesystem.h).
enum class Locks { as_proven, trusted };

struct StoreLayout {
  std::string path;  // absolute, of the format's own folder
  DirFd cache;       // what the operator named, with a folder for each format
  DirFd root;
  DirFd layers;
  DirFd images;
  DirFd fixups;
  DirFd refs;
  DirFd locks;
  DirFd staging;
  // Changes when the node restarts; "" where the kernel does not say, or others than this node may
  // write.
  std::string boot;
  // Why nothing is to be changed here; "" where it may be.
  std::string read_only;

  static Result<StoreLayout> open(const std::string& cache_path, Locks locks = Locks::as_proven);
  // Fault::denied where it is read-only.
  Result<void> writable() const;
};

// Numbers of the formats in `cache` that are newer than ours.
Result<std::vector<int>> newer_formats(BorrowedFd cache);

std::string layer_lock(const Digest& diff_id);
std::string image_lock(const Digest& manifest);
std::string fixup_lock(const std::string& name);
std::string image_file(const Digest& manifest);
// Any text as one file name, readable where it is short.
std::string ref_file(std::string_view reference, std::string_view platform);

}  // namespace podpilot::oci
