// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/ping.h"

#include <fmt/format.h>

#include <utility>

#include "oci/limits.h"

namespace podpilot::oci {

Result<http::Response> ping(http::Client& client, const std::string& host, Deadline deadline,
                            http::Failure& failure) {
  const auto ask = [&](const char* scheme) -> Result<http::Response> {
    failure = http::Failure::none;
    http::Url url = TRY(http::Url::parse(fmt::format("{}://{}/v2/", scheme, host)));
    http::Request request(std::move(url));
    request.max_body = kMaxErrorBodyBytes;
    request.deadline = deadline;
    return client.send(request, &failure);
  };
  Result<http::Response> answer = ask("https");
  const auto url = http::Url::parse("http://" + host);
  if (!answer && failure == http::Failure::tls && url && http::is_loopback(url->host()))
    answer = ask("http");
  return answer;
}

}  // namespace podpilot::oci
