// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/scheduler/htcondor/security/claim_id.h"
#include "agent/scheduler/htcondor/security/session.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace podpilot::agent::htcondor;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto claim = parse_claim_id(text);
  static_cast<void>(session_of_exported("id", text, "key"));
  if (!claim) return 0;
  if (claim->reveal() != text) std::abort();
  static_cast<void>(session_of(*claim));
  return 0;
}
