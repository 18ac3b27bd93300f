// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "oci/http/url.h"
#include "sandbox/base/result.h"

namespace podpilot::oci::http {

inline constexpr int kMaxRedirects = 5;

bool is_redirect(int status);

// Where a redirect leads, or why it is not followed: never from https to http, never to link-local
// or metadata addresses, and to loopback only from there. `from` is where it was answered.
Result<Url> redirect_target(const Url& from, std::string_view location);

}  // namespace podpilot::oci::http
