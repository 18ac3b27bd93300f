// SPDX-License-Identifier: Apache-2.0
// localhost:PORT/app:TAG of a FakeRegistry, pulled without patience, and the rules for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "oci/http/client.h"
#include "oci/registry/source.h"

namespace podpilot::test {

// A stall window for tests that are about stalls; other tests have a longer one.
inline constexpr std::chrono::milliseconds kShort(250);

extern const std::string kBlobPath;

// Of the blob at kBlobPath, whose true digest nobody looks at; `members` of a JSON object.
std::string blob_rule(std::string_view members);
std::string manifest_rule(std::string_view members, const std::string& tag = "v1");

struct RegistryPull {
  explicit RegistryPull(const std::string& host, oci::RegistryOptions options = {},
                        std::chrono::milliseconds stall_window = std::chrono::seconds(5),
                        const std::string& tag = "v1");

  // At most four requests, milliseconds apart; up to a second where the registry says so.
  Result<void> blob(std::uint64_t size);

  oci::http::Client client;
  oci::RegistrySource source;
  std::string got;  // of the last blob
};

// `part` is in the text, which is one line without the password "hunter2".
void check_fault(const Error& error, Fault fault, std::string_view part);

}  // namespace podpilot::test
