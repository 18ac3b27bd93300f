// SPDX-License-Identifier: Apache-2.0
// Compares everything in a store with what was recorded when it was verified against its digest.
#pragma once

#include <string>
#include <vector>

#include "oci/digest.h"
#include "oci/store/layout.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct DamagedLayer {
  Digest diff_id;
  std::vector<std::string> problems;
  bool removed = false;  // with the images that had it
  bool in_use = false;   // kept for that reason
};

struct VerifyReport {
  std::size_t layers = 0;  // looked at
  std::vector<DamagedLayer> damaged;
  std::vector<Digest> incomplete_images;  // records whose layers are not all here; forgotten
};

enum class Repair { no, remove_damaged };

Result<VerifyReport> verify_store(const StoreLayout& store, Repair repair);

}  // namespace podpilot::oci
