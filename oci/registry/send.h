// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "oci/http/client.h"
#include "oci/registry/options.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

using SendOnce = std::function<Result<http::Response>(http::Failure& failure)>;

// Attempts until one ends in what retry.h calls final. A status is a value, be it 503.
Result<http::Response> send_with_retries(const RegistryOptions& options, const SendOnce& once);

// Waits before attempt number `number` + 1. False: there is to be none, what came is final.
bool wait_to_retry(const RegistryOptions& options, int number, http::Failure failure,
                   const http::Response* response);

}  // namespace podpilot::oci
