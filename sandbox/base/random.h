// SPDX-License-Identifier: Apache-2.0
// What two who know nothing of each other are told apart by.
#pragma once

#include <cstdint>
#include <string>

namespace podpilot {

// From getrandom(2), which waits only until the kernel's pool is ready.
std::uint64_t random_number();
// One of those, as 16 hexadecimal digits.
std::string random_name();

}  // namespace podpilot
