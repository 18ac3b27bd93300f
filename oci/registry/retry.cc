// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "sandbox/base/random.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMaxRetryAfterSeconds = 366ULL * 86'400;

bool worth_another(const Attempt& attempt) {
  switch (attempt.failure) {
    case http::Failure::none:
      break;
    case http::Failure::name:
    case http::Failure::connect:
    case http::Failure::tls:
    case http::Failure::timeout:
    case http::Failure::cut:
      return true;
    case http::Failure::certificate:
    case http::Failure::forbidden:
    case http::Failure::sink:
    case http::Failure::cancelled:
      return false;
  }
  const int status = attempt.status;
  const bool server = status >= 500 && status <= 599 && status != 501 && status != 505;
  return server || status == 408 || status == 429;
}

milliseconds back_off(const RetryPolicy& policy, int number, double random) {
  const int doublings = std::clamp(number - 1, 0, 20);
  const auto full = std::min(policy.first_wait * (1 << doublings), policy.longest_wait);
  // Between half and the whole: jitter without ever hammering.
  return milliseconds(full.count() / 2 +
                      static_cast<std::int64_t>(static_cast<double>(full.count()) * random / 2));
}

}  // namespace

std::optional<milliseconds> parse_retry_after(std::string_view value, std::time_t now) {
  if (const auto seconds = parse_number(value))
    return milliseconds(std::min(*seconds, kMaxRetryAfterSeconds) * 1000);
  if (value.empty() || value.front() < 'A') return std::nullopt;  // a date begins with a weekday
  const std::time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date < 0) return std::nullopt;
  const auto wait = static_cast<std::uint64_t>(std::max<std::time_t>(date - now, 0));
  return milliseconds(std::min(wait, kMaxRetryAfterSeconds) * 1000);
}

std::optional<milliseconds> retry_wait(const RetryPolicy& policy, const Attempt& attempt,
                                       std::time_t now, double random) {
  if (attempt.number >= policy.attempts || !worth_another(attempt)) return std::nullopt;
  const milliseconds own = back_off(policy, attempt.number, random);
  const bool asked = attempt.failure == http::Failure::none;
  const auto told = asked ? parse_retry_after(attempt.retry_after, now) : std::nullopt;
  return told ? std::max(own, std::min(*told, policy.longest_retry_after)) : own;
}

milliseconds overload_wait(const RetryPolicy& policy, const Attempt& attempt, std::time_t now) {
  const auto told = parse_retry_after(attempt.retry_after, now);
  return told ? std::min(*told, policy.longest_retry_after) : policy.longest_wait;
}

bool sleep_for(milliseconds wait, Deadline deadline, const std::stop_token& stop) {
  const Clock::time_point until = Clock::now() + wait;
  if (deadline.passed(until)) return false;
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_until(lock, stop, until, [] { return false; });
  return !stop.stop_requested();
}

double random_unit() {
  constexpr double kAll = 4294967296.0;  // 2^32
  return static_cast<double>(random_number() >> 32) / kAll;
}

}  // namespace podpilot::oci
