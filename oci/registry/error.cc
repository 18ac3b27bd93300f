// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/error.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sandbox/base/json.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kMaxMessage = 200;

std::string in_brackets(const std::string& message) {
  return message.empty() ? "" : " (" + message + ")";
}

// Hub and others answer 401 for what is not there, so that nobody can find out what is.
std::string refusal(const Asked& asked) {
  if (asked.with_credentials)
    return "does not exist, or the configured credentials do not give access";
  std::string out = "does not exist or needs credentials, and none are configured for its registry";
  if (!asked.helper.empty())
    out += fmt::format(
        "; the docker configuration names docker-credential-{}, but no program of a pod is run "
        "whose "
        "own root shows images: put the login into \"auths\"",
        asked.helper);
  return out;
}

}  // namespace

std::string registry_message(std::string_view body) {
  const Result<Json> json = parse_json(body);
  if (!json || !json->is_object()) return {};
  const auto errors = json->find("errors");
  if (errors == json->end() || !errors->is_array() || errors->empty() || !(*errors)[0].is_object())
    return {};
  std::string out;
  for (const char* key : {"code", "message"}) {
    const auto found = (*errors)[0].find(key);
    if (found == (*errors)[0].end() || !found->is_string()) continue;
    out += (out.empty() ? "" : ": ") + found->get<std::string>();
  }
  return printable(std::string_view(out).substr(0, kMaxMessage));
}

Error error_of_status(const Asked& asked, const http::Response& response) {
  const std::string answerer = response.url ? response.url->origin() : asked.host;
  const std::string message = in_brackets(registry_message(response.body));
  const int status = response.status;
  if (status == 404) return {Fault::not_found, asked.name + ": not found at " + answerer + message};
  if ((status == 401 || status == 403) && answerer != asked.host)
    return {Fault::denied,
            fmt::format("{}: {}, where the registry keeps it, refuses it (status {})", asked.name,
                        answerer, status)};
  if (status == 401 || status == 403)
    return {Fault::denied, fmt::format("{}: {}{}", asked.name, refusal(asked), message)};
  if (status == 429)
    return {
        Fault::transient,
        fmt::format("{}: {} says too many requests, also after waiting{}{}", asked.name, answerer,
                    asked.with_credentials ? "" : "; a login may raise its limit", message)};
  if (status >= 500 || status == 408)
    return {Fault::transient,
            fmt::format("{}: {} fails with status {}{}", asked.name, answerer, status, message)};
  return {Fault::invalid, fmt::format("{}: {} answers with status {}, which is no answer to this{}",
                                      asked.name, answerer, status, message)};
}

Error error_of_token(const Asked& asked, const http::Response& response) {
  const std::string server = response.url ? response.url->origin() : asked.host;
  const int status = response.status;
  if (status == 429 || status == 408 || status >= 500)
    return {Fault::transient,
            fmt::format("{}: token server {} fails with status {}", asked.name, server, status)};
  if (asked.with_credentials)
    return {Fault::denied, fmt::format("{}: token server {} does not accept the configured "
                                       "credentials (status {})",
                                       asked.name, server, status)};
  return {Fault::denied, fmt::format("{}: {} (token server {}: status {})", asked.name,
                                     refusal(asked), server, status)};
}

}  // namespace podpilot::oci
