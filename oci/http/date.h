// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace podpilot::oci::http {

// The value of a Date header (RFC 9110 section 5.6.7), in any of its three forms.
std::optional<std::chrono::system_clock::time_point> parse_date(std::string_view text);

}  // namespace podpilot::oci::http
