// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "oci/registry/token.h"
#include "oci/registry/www_authenticate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace podpilot::oci;
  const auto challenges = parse_www_authenticate({reinterpret_cast<const char*>(data), size});
  if (!challenges) return 0;
  const auto registry = http::Url::parse("http://localhost:5000/v2/");
  for (const Challenge& challenge : *challenges)
    static_cast<void>(token_request(challenge, *registry, "app", std::nullopt));
  return 0;
}
