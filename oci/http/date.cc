// SPDX-License-Identifier: Apache-2.0
#include "oci/http/date.h"

#include <curl/curl.h>

#include <string>

namespace podpilot::oci::http {

std::optional<std::chrono::system_clock::time_point> parse_date(std::string_view text) {
  const std::time_t seconds = curl_getdate(std::string(text).c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return std::chrono::system_clock::from_time_t(seconds);
}

}  // namespace podpilot::oci::http
