// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/session.h"

#include <algorithm>
#include <optional>

#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

// The value of `name` in "[name="value";...]".
std::optional<std::string> info_value(std::string_view info, std::string_view name) {
  if (info.starts_with('[')) info.remove_prefix(1);
  if (info.ends_with(']')) info.remove_suffix(1);
  for (std::string_view pair : split(info, ';')) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    pair.remove_prefix(equals + 1);
    if (pair.starts_with('"')) pair.remove_prefix(1);
    if (pair.ends_with('"')) pair.remove_suffix(1);
    return std::string(pair);
  }
  return std::nullopt;
}

// Methods are separated by '.', because ',' cannot stand in a claim id.
bool allows_aes(std::string_view info) {
  auto methods = info_value(info, "CryptoMethodsList");
  if (!methods) methods = info_value(info, "CryptoMethods");
  if (!methods) return true;
  std::replace(methods->begin(), methods->end(), ',', '.');
  const std::vector<std::string_view> list = split(*methods, '.');
  return std::find(list.begin(), list.end(), "AES") != list.end();
}

}  // namespace

Session session_of(const SecretClaimId& claim) {
  return {.id = claim.session_id(),
          .key = session_key(claim.secret().reveal()),
          .user = std::string(kSubmitSide)};
}

Result<Session> session_of_exported(std::string id, std::string_view info, std::string_view key) {
  if (id.empty() || key.empty()) return Error{Fault::invalid, "a session without id or key"};
  if (!allows_aes(info))
    return Error{Fault::unsupported, "session " + printable(id) + " does not allow AES"};
  return Session{.id = std::move(id), .key = session_key(key), .user = std::string(kSubmitSide)};
}

}  // namespace podpilot::agent::htcondor
