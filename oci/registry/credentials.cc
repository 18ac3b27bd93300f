// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/credentials.h"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "sandbox/base/config_files.h"
#include "sandbox/base/json.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr const char* kHubKey = "https://index.docker.io/v1/";
constexpr std::string_view kHelperCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

// Old entries have a scheme and a path: "https://registry.example/v1/". An entry for one namespace
// ("quay.io/team") is none for the host.
std::string_view host_of(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  if (key.ends_with('/')) key.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"})
    if (key.ends_with(version)) key.remove_suffix(version.size());
  return key;
}

bool names(std::string_view key, std::string_view domain) {
  const std::string_view host = host_of(key);
  if (host == domain) return true;
  return domain == "docker.io" && (host == "index.docker.io" || host == "registry-1.docker.io");
}

// The exact key first, docker.io's own next, then whatever means the same host.
const Json* find_entry(const Json& auths, std::string_view domain) {
  if (const auto found = auths.find(std::string(domain)); found != auths.end()) return &*found;
  if (domain == "docker.io")
    if (const auto found = auths.find(kHubKey); found != auths.end()) return &*found;
  for (const auto& [key, value] : auths.items())
    if (names(key, domain)) return &value;
  return nullptr;
}

Error bad(const JsonObject& entry, const char* what) {
  return {Fault::invalid, entry.path("auth") + ": " + what};
}

Result<void> read_auth(JsonObject& entry, Credentials& out) {
  const std::optional<std::string> auth = TRY(entry.string("auth"));
  if (!auth || auth->empty()) return {};
  std::optional<std::string> plain = decode_base64(*auth);
  if (!plain) return bad(entry, "is not base64");
  while (plain->ends_with('\0')) plain->pop_back();  // docker trims them, so tools pad with them
  const std::size_t colon = plain->find(':');
  if (colon == std::string::npos) return bad(entry, "is not USER:PASSWORD");
  out.username = plain->substr(0, colon);
  out.password = Secret(plain->substr(colon + 1));
  explicit_bzero(plain->data(), plain->size());
  return {};
}

Result<Credentials> read_entry(const Json& value, std::string_view domain) {
  JsonObject entry = TRY(JsonObject::of(value, "auths." + std::string(domain)));
  Credentials out;
  TRY(read_auth(entry, out));
  std::optional<std::string> username = TRY(entry.string("username"));
  std::optional<std::string> password = TRY(entry.string("password"));
  std::optional<std::string> identity = TRY(entry.string("identitytoken"));
  if (username && out.username.empty()) out.username = *std::move(username);
  if (password && out.password.empty()) out.password = Secret(*std::move(password));
  if (identity) out.identity_token = Secret(*std::move(identity));
  // docker's spelling of an identity token where only a name and a password fit.
  if (out.username == "<token>" && out.identity_token.empty()) out.identity_token = out.password;
  return out;
}

// As docker chooses: the registry's own helper before the one for all.
Result<std::string> find_helper(JsonObject& top, std::string_view domain) {
  const Json* helpers = top.member("credHelpers");
  const Json* own = helpers && helpers->is_object() ? find_entry(*helpers, domain) : nullptr;
  const Json* helper = own ? own : top.member("credsStore");
  if (!helper) return std::string();
  const std::string* name = helper->get_ptr<const std::string*>();
  if (!name) return Error{Fault::invalid, "the name of a credential helper must be a string"};
  if (name->find_first_not_of(kHelperCharacters) != std::string::npos)
    return Error{Fault::invalid, "the name of a credential helper may have letters, digits, - _ ."};
  return *name;
}

}  // namespace

Result<CredentialLookup> find_credentials(std::string_view config_json, std::string_view domain) {
  const Json json = TRY(parse_json(config_json));
  JsonObject top = TRY(JsonObject::of(json, ""));
  CredentialLookup out;
  if (const Json* auths = top.member("auths")) {
    if (!auths->is_object()) return Error{Fault::invalid, "auths: must be an object"};
    // With a helper docker leaves an empty entry here.
    if (const Json* value = find_entry(*auths, domain)) {
      Credentials found = TRY(read_entry(*value, domain));
      if (!found.empty()) out.credentials = std::move(found);
    }
  }
  out.helper = TRY(find_helper(top, domain));
  return out;
}

Result<CredentialLookup> load_credentials(const std::vector<std::string>& files,
                                          std::string_view domain) {
  for (const std::string& file : files) {
    Result<std::string> text = read_config_file(file, kMaxFileBytes);
    if (!text && text.error().fault == Fault::not_found) continue;
    if (!text) return std::move(text).error();
    // A JSON error may quote the place where it stumbled, which may be a password.
    Result<CredentialLookup> found = find_credentials(*text, domain);
    explicit_bzero(text->data(), text->size());
    if (!found) return Error{found.error().fault, file + ": is not a docker config.json"};
    if (found->credentials || !found->helper.empty()) return found;
  }
  return CredentialLookup{};
}

std::vector<std::string> default_credential_files() {
  if (const char* folder = std::getenv("DOCKER_CONFIG"); folder && *folder)
    return {std::string(folder) + "/config.json"};
  if (const char* home = std::getenv("HOME"); home && *home)
    return {std::string(home) + "/.docker/config.json"};
  return {};
}

}  // namespace podpilot::oci
