// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/token.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "oci/limits.h"
#include "sandbox/base/json.h"

namespace podpilot::oci {
namespace {

constexpr std::string_view kClientId = "podpilot";
constexpr std::int64_t kDefaultSeconds = 60;  // distribution's token specification
constexpr std::int64_t kMaxSeconds = 86'400;

bool safe_in_header(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

// The token server may write the time when it signed; our clocks are not compared with it.
Clock::time_point expiry(std::optional<std::int64_t> seconds, Clock::time_point now) {
  const std::int64_t life =
      std::clamp<std::int64_t>(seconds.value_or(kDefaultSeconds), 1, kMaxSeconds);
  return now + std::chrono::seconds(life) -
         std::chrono::seconds(std::min<std::int64_t>(life / 10, 10));
}

}  // namespace

Result<http::Url> token_realm(const Challenge& challenge, const http::Url& registry) {
  const std::string where = registry.origin() + ": token realm";
  http::Url realm = TRY(http::Url::parse(challenge.parameter("realm")).within(where));
  const auto refused = [&](std::string_view why) {
    return Error{Fault::denied, fmt::format("{} {}: {}", where, realm.origin(), why)};
  };
  if (http::is_metadata(realm.host())) return refused("is a link-local or metadata address");
  if (http::is_loopback(realm.host()) && !http::is_loopback(registry.host()))
    return refused("is this machine");
  if (realm.secure()) return realm;
  if (registry.secure()) return refused("is not https");
  if (realm.host() != registry.host() && !http::is_loopback(realm.host()))
    return refused("is plain http on another host");
  return realm;
}

Result<http::Request> token_request(const Challenge& challenge, const http::Url& registry,
                                    std::string_view repository,
                                    const std::optional<Credentials>& credentials) {
  const http::Url realm = TRY(token_realm(challenge, registry));
  const std::string service = http::percent_encode(challenge.parameter("service"));
  const std::string scope = http::percent_encode(fmt::format("repository:{}:pull", repository));
  http::Request out(realm);
  out.max_body = kMaxTokenBytes;
  out.named_by_server = true;
  if (credentials && !credentials->identity_token.empty()) {
    out.method = http::Method::post;
    out.form = Secret(fmt::format(
        "grant_type=refresh_token&service={}&client_id={}&scope={}&refresh_token={}", service,
        kClientId, scope, http::percent_encode(credentials->identity_token.reveal())));
    return out;
  }
  const bool named = !challenge.parameter("service").empty();
  out.url = realm.with_query((named ? "service=" + service + "&" : "") + "scope=" + scope);
  if (credentials) out.authorization = basic_authorization(*credentials);
  return out;
}

Result<Token> parse_token(std::string_view body, Clock::time_point now) {
  // Errors of the parser may quote what they stumbled over: here, perhaps, the token.
  const Result<Json> json = parse_json(body);
  if (!json || !json->is_object())
    return Error{Fault::invalid, "the token server's answer is not a JSON object"};
  JsonObject object = TRY(JsonObject::of(*json, "token server's answer"));
  std::optional<std::string> token = TRY(object.string("token"));
  std::optional<std::string> access = TRY(object.string("access_token"));
  const std::optional<std::int64_t> seconds = TRY(object.integer("expires_in"));
  std::string value = token && !token->empty() ? *std::move(token) : std::move(access).value_or("");
  if (value.empty()) return Error{Fault::invalid, "the token server's answer has no token in it"};
  if (!safe_in_header(value))
    return Error{Fault::invalid, "the token server's token has characters no header may have"};
  return Token{Secret(std::move(value)), expiry(seconds, now)};
}

Secret basic_authorization(const Credentials& credentials) {
  const Secret plain(credentials.username + ":" + credentials.password.reveal());
  return Secret("Basic " + encode_base64(plain.reveal()));
}

Secret bearer_authorization(const Token& token) {
  return Secret("Bearer " + token.value.reveal());
}

}  // namespace podpilot::oci
