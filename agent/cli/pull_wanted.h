// SPDX-License-Identifier: Apache-2.0
// What of an image to pull must be had before the pull shuts itself in: open files, credentials,
// and with them the places to ask.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/cli/options.h"
#include "oci/http/secret.h"
#include "oci/reference.h"
#include "oci/registry/credentials.h"
#include "oci/source.h"

namespace podpilot::agent {

struct Place {
  oci::RegistryReference at;
  oci::CredentialLookup credentials;
  bool plain_http = false;  // may be, also where it is not on loopback
};

struct Wanted {
  oci::Reference reference;            // what it is to the job, wherever it comes from
  std::unique_ptr<oci::Source> local;  // of one on disk
  std::vector<Place> places;           // of one in a registry, in the order in which they are asked
};

// A job's own login, a docker config.json: from --login-fd, which can be read once. Empty: none.
Result<oci::Secret> own_login(const Options& options);

// Credential helpers are run from here, unless somebody gives us the configuration files: who does
// that has payloads, which could put programs in the place of others.
Result<Wanted> wanted_image(const std::string& text, const oci::Secret& login,
                            const Options& options);

}  // namespace podpilot::agent
