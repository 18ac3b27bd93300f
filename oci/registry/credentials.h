// SPDX-License-Identifier: Apache-2.0
// Who we are to a registry, from docker's config.json (also podman's auth.json and Kubernetes'
// .dockerconfigjson, which have the same form).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/http/secret.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct Credentials {
  std::string username;
  Secret password;
  Secret identity_token;  // instead of the two: exchanged for tokens (oauth2 refresh)

  bool empty() const { return username.empty() && password.empty() && identity_token.empty(); }
};

struct CredentialLookup {
  std::optional<Credentials> credentials;
  // NAME of docker-credential-NAME, which is to be asked before these count (credential_helper.h);
  // "" where none is configured for the registry, or it has been asked.
  std::string helper = {};
};

// `domain` as a RegistryReference has it. For docker.io its old names count, too.
Result<CredentialLookup> find_credentials(std::string_view config_json, std::string_view domain);

// The first of `files` (config_files.h) that knows the registry; one that does not exist is passed
// over.
Result<CredentialLookup> load_credentials(const std::vector<std::string>& files,
                                          std::string_view domain);

// $DOCKER_CONFIG/config.json, else $HOME/.docker/config.json; nothing where neither is set.
std::vector<std::string> default_credential_files();

// RFC 4648 section 4, padding optional; nothing for anything else.
std::optional<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

}  // namespace podpilot::oci
