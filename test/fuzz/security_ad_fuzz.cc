// SPDX-License-Identifier: Apache-2.0
// Ads of peers that are not trusted yet, and tokens. The first byte says what is read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/scheduler/htcondor/dialogue/ccb_message.h"
#include "agent/scheduler/htcondor/security/literal_ad.h"
#include "agent/scheduler/htcondor/security/token.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace podpilot::agent::htcondor;
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 2) {
    static_cast<void>(parse_id_token(rest));
    return 0;
  }
  const Coding coding = data[0] % 3 == 0 ? Coding::clear : Coding::encrypted;
  MessageReader in(std::string(rest), coding);
  const auto ad = get_literal_ad(in);
  if (!ad) return 0;
  static_cast<void>(parse_registration(*ad));
  static_cast<void>(parse_request(*ad));
  MessageWriter written(coding);
  put_literal_ad(written, *ad);
  MessageReader again(written.body(), coding);
  if (!get_literal_ad(again)) std::abort();
  return 0;
}
