// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/random.h"

#include <fmt/format.h>
#include <sys/random.h>

namespace podpilot {

std::uint64_t random_number() {
  std::uint64_t value = 0;
  // 8 bytes are never given in part, and a kernel that answers ENOSYS cannot run us at all.
  while (::getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) {
  }
  return value;
}

std::string random_name() {
  return fmt::format("{:016x}", random_number());
}

}  // namespace podpilot
