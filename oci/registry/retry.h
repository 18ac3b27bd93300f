// SPDX-License-Identifier: Apache-2.0
// Whether a failed request is made again, and when.
#pragma once

#include <chrono>
#include <cstddef>
#include <ctime>
#include <optional>
#include <stop_token>
#include <string_view>

#include "oci/http/client.h"
#include "sandbox/base/deadline.h"

namespace podpilot::oci {

struct RetryPolicy {
  int attempts = 6;  // in all, the first one included
  std::chrono::milliseconds first_wait{500};
  std::chrono::milliseconds longest_wait{20'000};
  // A registry's Retry-After counts up to this.
  std::chrono::milliseconds longest_retry_after{120'000};
};

// How an attempt ended: `failure`, or with none of those a status.
struct Attempt {
  int number = 1;
  http::Failure failure = http::Failure::none;
  int status = 0;
  std::string_view retry_after = {};
};

// The wait before the next attempt; nothing if there is to be none. `random` in [0, 1) spreads
// pilots that failed at the same moment.
std::optional<std::chrono::milliseconds> retry_wait(const RetryPolicy& policy,
                                                    const Attempt& attempt, std::time_t now,
                                                    double random);

// How long a registry that answered 429 or 503 is to be left alone, by this pull or another: what
// it says, within the policy, else the policy's longest wait.
std::chrono::milliseconds overload_wait(const RetryPolicy& policy, const Attempt& attempt,
                                        std::time_t now);

// Retry-After (RFC 9110 section 10.2.3): seconds or a date; nothing if it is neither.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, std::time_t now);

// False if `stop` or `deadline` came first.
bool sleep_for(std::chrono::milliseconds wait, Deadline deadline, const std::stop_token& stop);

double random_unit();

}  // namespace podpilot::oci
