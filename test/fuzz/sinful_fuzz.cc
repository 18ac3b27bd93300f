// SPDX-License-Identifier: Apache-2.0
// An address that is read is written so that it reads the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/scheduler/htcondor/cedar/sinful.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace podpilot::agent::htcondor;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(parse_sinful_list(text));
  const auto address = parse_sinful(text);
  if (!address) return 0;
  const std::string written = format(*address);
  if (written.size() > kMaxSinful) return 0;
  const auto again = parse_sinful(written);
  if (!again || !(*again == *address)) std::abort();
  return 0;
}
