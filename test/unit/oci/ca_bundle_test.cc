// SPDX-License-Identifier: Apache-2.0
#include "oci/http/ca_bundle.h"

#include <cstddef>
#include <string_view>

#include "test/catch.h"

namespace podpilot::oci {
namespace {

size_t occurrences(std::string_view text, std::string_view word) {
  size_t n = 0;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) ++n;
  return n;
}

TEST_CASE("the embedded certificates are whole PEM blocks, a hundred or so", "[oci][http]") {
  const std::string_view bundle = embedded_ca_bundle();
  const size_t count = occurrences(bundle, "-----BEGIN CERTIFICATE-----\n");
  CHECK(count > 80);
  CHECK(occurrences(bundle, "-----END CERTIFICATE-----\n") == count);
  CHECK(bundle.starts_with("-----BEGIN"));
  CHECK(bundle.ends_with("-----\n"));
}

}  // namespace
}  // namespace podpilot::oci
