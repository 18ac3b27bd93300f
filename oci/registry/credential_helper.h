// SPDX-License-Identifier: Apache-2.0
// The programs docker-credential-NAME that docker's config.json may name (their protocol:
// github.com/docker/docker-credential-helpers): "get" with a registry on stdin, and on stdout
// {"ServerURL", "Username", "Secret"}.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oci/registry/credentials.h"
#include "sandbox/base/deadline.h"

namespace podpilot::oci {

// Asks the helper of `lookup`, if it has one, for the registry's credentials, which then count;
// where it knows none the others of `lookup` stay. The program is looked for in $PATH and gets our
// environment: not to be called once that may be a payload's. Its secrets are never in an error.
Result<void> ask_helper(CredentialLookup& lookup, std::string_view domain, Deadline deadline);

// Our environment's "NAME=VALUE" that are for helpers only: logins at clouds, and where those are.
std::vector<std::string> helpers_environment();
// Takes them out of our memory: before anything that a registry says is read.
void forget_helpers_environment();

}  // namespace podpilot::oci
