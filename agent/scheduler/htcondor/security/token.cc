// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/token.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "oci/registry/credentials.h"
#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

Error bad(std::string_view why) {
  return {Fault::invalid, "a token " + std::string(why)};
}

// RFC 4648 section 5.
std::optional<std::string> decode_base64url(std::string_view text) {
  std::string plain(text);
  if (plain.find_first_of("+/=") != std::string::npos) return std::nullopt;
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  return oci::decode_base64(plain);
}

// Errors of the parser may quote what it read: they are not passed on.
Result<Json> parse_part(std::string_view part, std::string_view name) {
  const auto text = decode_base64url(part);
  if (!text) return bad(fmt::format("whose {} is not base64url", name));
  auto parsed = parse_json(*text);
  if (!parsed || !parsed->is_object()) return bad(fmt::format("whose {} is no JSON object", name));
  return parsed;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::int64_t> time_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  constexpr double kFarFuture = 1e15;
  const auto seconds = found->get<double>();
  if (!(seconds >= 0 && seconds < kFarFuture)) return std::nullopt;
  return static_cast<std::int64_t>(seconds);
}

}  // namespace

Result<IdToken> parse_id_token(std::string_view text) {
  if (text.size() > kMaxToken) return bad("that is too long");
  const std::vector<std::string_view> parts = split(text, '.');
  if (parts.size() != 3) return bad("that does not have three parts");
  const Json header = TRY(parse_part(parts[0], "header"));
  const Json payload = TRY(parse_part(parts[1], "payload"));
  auto signature = decode_base64url(parts[2]);
  if (!signature || signature->empty()) return bad("without a signature");
  IdToken token;
  token.signed_part = text.substr(0, parts[0].size() + 1 + parts[1].size());
  token.signature = Secret(*std::move(signature));
  token.key_id = text_of(header, "kid");
  token.issuer = text_of(payload, "iss");
  token.subject = text_of(payload, "sub");
  if (token.subject.empty()) token.subject = text_of(payload, "jti");  // a capability
  token.issued_at = time_of(payload, "iat");
  token.expires = time_of(payload, "exp");
  const std::string scopes = text_of(payload, "scope");
  for (const std::string_view scope : split(scopes, ' '))
    if (!scope.empty()) token.scopes.emplace_back(scope);
  if (token.subject.empty()) return bad("without a subject");
  if (token.key_id.empty()) return bad("without the id of its key");
  return token;
}

std::optional<std::string> why_refused(const IdToken& token, std::int64_t now) {
  if (token.expires && *token.expires <= now)
    return fmt::format("it expired {} ago",
                       human_duration(std::chrono::seconds(now - *token.expires)));
  if (token.issued_at && *token.issued_at > now)
    return fmt::format("it was issued {} in the future: this clock or that of the issuer is wrong",
                       human_duration(std::chrono::seconds(*token.issued_at - now)));
  return std::nullopt;
}

}  // namespace podpilot::agent::htcondor
