// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/auth.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "oci/registry/send.h"
#include "oci/registry/token.h"

namespace podpilot::oci {

const Challenge* preferred(const std::vector<Challenge>& challenges) {
  for (const std::string_view scheme : {"bearer", "basic"})
    for (const Challenge& challenge : challenges)
      if (challenge.scheme == scheme) return &challenge;
  return nullptr;
}

Authenticator::Ticket Authenticator::ticket() {
  const std::lock_guard lock(mutex_);
  if (Clock::now() >= expires_) return {Secret(), current_.number};
  return current_;
}

Result<bool> Authenticator::renew(const http::Response& refusal, const Ticket& used,
                                  const http::Url& registry, const Asked& asked) {
  std::vector<Challenge> challenges;
  for (const std::string_view value : refusal.headers.all("WWW-Authenticate")) {
    std::vector<Challenge> some = TRY(parse_www_authenticate(value).within(registry.origin()));
    std::move(some.begin(), some.end(), std::back_inserter(challenges));
  }
  const Challenge* challenge = preferred(challenges);
  if (!challenge) return false;
  const std::lock_guard lock(mutex_);
  if (current_.number != used.number) return true;  // another thread was faster
  return challenge->scheme == "basic" ? use_basic() : fetch_token(*challenge, registry, asked);
}

Result<bool> Authenticator::use_basic() {
  const auto& credentials = options_.credentials.credentials;
  // The same password will not do better the second time.
  if (!credentials || credentials->username.empty() || !current_.authorization.empty())
    return false;
  current_ = {basic_authorization(*credentials), current_.number + 1};
  expires_ = Clock::time_point::max();
  return true;
}

Result<bool> Authenticator::fetch_token(const Challenge& challenge, const http::Url& registry,
                                        const Asked& asked) {
  http::Request request =
      TRY(token_request(challenge, registry, repository_, options_.credentials.credentials));
  request.deadline = options_.deadline;
  request.stop = options_.stop;
  const Clock::time_point now = Clock::now();
  const http::Response response = TRY(send_with_retries(
      options_, [&](http::Failure& failure) { return client_.send(request, &failure); }));
  if (response.status != 200) return error_of_token(asked, response);
  const Token token = TRY(parse_token(response.body, now).within(request.url.origin()));
  current_ = {bearer_authorization(token), current_.number + 1};
  expires_ = token.expires;
  return true;
}

}  // namespace podpilot::oci
