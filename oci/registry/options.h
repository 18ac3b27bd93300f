// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>

#include "oci/registry/credentials.h"
#include "oci/registry/retry.h"
#include "sandbox/base/deadline.h"

namespace podpilot::oci {

struct RegistryOptions {
  CredentialLookup credentials;
  RetryPolicy retry;
  Deadline deadline = Deadline::never();  // for all of the image, waits included
  std::stop_token stop;                   // ends requests and waits at once
  bool plain_http = false;                // where there is no TLS; on loopback anyway
};

}  // namespace podpilot::oci
