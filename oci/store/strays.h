// SPDX-License-Identifier: Apache-2.0
// What processes that were killed, and a node that crashed, left outside of staging/.
#pragma once

#include "oci/store/layout.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Removes records that cannot be read, references to images that are not here, and locks of things
// that are not. What somebody holds a lock on stays.
Result<void> remove_strays(const StoreLayout& store);

}  // namespace podpilot::oci
