// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/send.h"

#include <ctime>

namespace podpilot::oci {

bool wait_to_retry(const RegistryOptions& options, int number, http::Failure failure,
                   const http::Response* response) {
  Attempt attempt{number, failure, 0, {}};
  if (response) {
    attempt.status = response->status;
    attempt.retry_after = response->headers.get("Retry-After");
  }
  const auto wait = retry_wait(options.retry, attempt, std::time(nullptr), random_unit());
  if ((attempt.status == 429 || attempt.status == 503) && options.on_overload)
    options.on_overload(overload_wait(options.retry, attempt, std::time(nullptr)));
  return wait && sleep_for(*wait, options.deadline, options.stop);
}

Result<http::Response> send_with_retries(const RegistryOptions& options, const SendOnce& once) {
  for (int number = 1;; ++number) {
    http::Failure failure = http::Failure::none;
    Result<http::Response> response = once(failure);
    if (!wait_to_retry(options, number, failure, response ? &*response : nullptr)) return response;
  }
}

}  // namespace podpilot::oci
