// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "oci/http/client.h"
#include "oci/registry/error.h"
#include "oci/registry/options.h"
#include "oci/registry/www_authenticate.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// Holds what the registry wants to see in Authorization for one repository. Thread-safe: of several
// requests that are refused together one fetches the token, the others wait for it.
class Authenticator {
 public:
  // All must outlive this.
  Authenticator(http::Client& client, const RegistryOptions& options, std::string repository)
      : client_(client), options_(options), repository_(std::move(repository)) {}

  struct Ticket {
    Secret authorization;  // empty: send none
    std::uint64_t number = 0;
  };
  Ticket ticket();

  // Meets the challenge of `refusal` (status 401), which `used` had come to. False: nothing new can
  // be offered.
  Result<bool> renew(const http::Response& refusal, const Ticket& used, const http::Url& registry,
                     const Asked& asked);

 private:
  Result<bool> use_basic();
  Result<bool> fetch_token(const Challenge& challenge, const http::Url& registry,
                           const Asked& asked);

  http::Client& client_;
  const RegistryOptions& options_;
  std::string repository_;

  std::mutex mutex_;
  Ticket current_;
  Clock::time_point expires_ = Clock::time_point::max();
};

// The challenge to meet: Bearer before Basic; nullptr if neither is offered.
const Challenge* preferred(const std::vector<Challenge>& challenges);

}  // namespace podpilot::oci
