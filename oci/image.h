// SPDX-License-Identifier: Apache-2.0
// An image that is ready to be mounted: what oci hands out.
#pragma once

#include <string>
#include <vector>

#include "oci/config.h"
#include "oci/digest.h"
#include "oci/store/lock.h"

namespace podpilot::oci {

// Keeps gc away while it lives, and while anyone else has its descriptors open.
struct Lease {
  std::vector<FileLock> locks;

  std::vector<BorrowedFd> descriptors() const {
    std::vector<BorrowedFd> out;
    for (const FileLock& lock : locks)
      if (lock) out.push_back(lock.fd());
    return out;
  }
};

struct Image {
  ImageConfig config;
  Digest manifest;
  // Absolute paths of folders in overlay format (`userxattr`), lowest first, the fix-up layer last:
  // there is always that one.
  std::vector<std::string> layers;
  std::uint64_t size = 0;  // about, of its layers on disk; 0: not known
  Lease lease;
};

}  // namespace podpilot::oci
