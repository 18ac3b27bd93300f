// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "oci/http/client.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// GET /v2/ of a registry ("host" or "host:port"), which every registry answers with 200, or with
// 401 where it wants to know who asks (distribution-spec, "Determining Support"). Plain http only
// on loopback.
Result<http::Response> ping(http::Client& client, const std::string& host, Deadline deadline,
                            http::Failure& failure);

}  // namespace podpilot::oci
