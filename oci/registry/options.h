// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
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
  // Called when the registry answers that it is asked too much (429, 503): how long it is left
  // alone. From several threads.
  std::function<void(std::chrono::milliseconds)> on_overload = {};
  bool plain_http = false;  // where there is no TLS; on loopback anyway
};

}  // namespace podpilot::oci
