// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sandbox/base/fd.h"

namespace podpilot::test {

// One line for everything below `dir`, sorted: "PATH TYPE MODE SIZE|TARGET"; whiteouts are type w,
// "opaque" ends the line of an opaque folder.
std::string list_tree(BorrowedFd dir);

}  // namespace podpilot::test
