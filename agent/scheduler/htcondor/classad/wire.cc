// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/wire.h"

#include <cstring>

#include "agent/scheduler/htcondor/classad/text.h"

namespace podpilot::agent::htcondor {
namespace {

// The next string is a secret line, encrypted where the stream is not.
constexpr std::string_view kSecretFollows = "ZKM";

}  // namespace

void put_ad(MessageWriter& message, const Ad& ad) {
  message.integer(static_cast<std::int64_t>(ad.size()));
  ad.for_each([&](const std::string& name, const std::string& expression) {
    std::string line = line_of(name, expression);
    message.string(line);
    explicit_bzero(line.data(), line.size());  // it may be a secret
  });
  message.string("").string("");  // MyType and TargetType are attributes like all others today
}

Result<Ad> get_ad(MessageReader& message) {
  Ad ad;
  const std::size_t count = TRY(message.count(kMaxAttributes));
  for (std::size_t i = 0; i < count; ++i) {
    std::string line = TRY(message.string());
    if (line == kSecretFollows) line = TRY(message.string());
    const Result<void> added = add_line(ad, line);
    explicit_bzero(line.data(), line.size());
    TRY(added);
  }
  TRY(message.string());
  TRY(message.string());
  return ad;
}

}  // namespace podpilot::agent::htcondor
