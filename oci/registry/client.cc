// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/client.h"

#include <fmt/format.h>

#include <utility>

namespace podpilot::oci {
namespace {

bool on_loopback(const std::string& host) {
  const auto url = http::Url::parse("http://" + host);
  return url && http::is_loopback(url->host());
}

}  // namespace

RegistryClient::RegistryClient(http::Client& client, const RegistryReference& reference,
                               RegistryOptions options)
    : client_(client),
      host_(reference.registry_host()),
      repository_(reference.repository),
      name_(reference.domain + "/" + reference.repository),
      options_(std::move(options)),
      authenticator_(client_, options_, repository_),
      scheme_(options_.plain_http || on_loopback(host_) ? Scheme::undecided : Scheme::https) {}

Result<http::Url> RegistryClient::url_of(const std::string& path) const {
  const bool plain = scheme_.load() == Scheme::http;
  return http::Url::parse(
      fmt::format("{}://{}/v2/{}/{}", plain ? "http" : "https", host_, repository_, path));
}

Result<http::Response> RegistryClient::send(const RegistryGet& get,
                                            const Authenticator::Ticket& ticket,
                                            http::Failure& failure) {
  const http::Url url = TRY(url_of(get.path));
  http::Request request(url);
  request.method = get.method;
  if (!get.accept.empty()) request.headers.push_back({"Accept", get.accept});
  request.authorization = ticket.authorization;
  request.range_from = get.range_from;
  request.max_body = get.max_body;
  request.sink = get.sink;
  request.deadline = options_.deadline;
  request.stop = options_.stop;
  return client_.send(request, &failure);
}

// As docker does it: only on loopback or where it was said, and only if there is no TLS at all. A
// certificate that is not accepted stays an error. What was said may be of a host with port 80
// alone.
bool RegistryClient::fall_back_to_http(http::Failure failure) {
  const bool nobody = failure == http::Failure::connect && options_.plain_http;
  if (failure != http::Failure::tls && !nobody) return false;
  Scheme undecided = Scheme::undecided;
  // Another thread may have decided meanwhile; then its finding counts.
  return scheme_.compare_exchange_strong(undecided, Scheme::http) || undecided == Scheme::http;
}

Result<http::Response> RegistryClient::get(const RegistryGet& get, http::Failure& failure) {
  bool renewed = false;
  for (;;) {
    failure = http::Failure::none;
    const Scheme before = scheme_.load();
    const Authenticator::Ticket ticket = authenticator_.ticket();
    Result<http::Response> response = send(get, ticket, failure);
    if (!response) {
      if (before == Scheme::undecided && fall_back_to_http(failure)) continue;
      return response;
    }
    Scheme undecided = Scheme::undecided;
    scheme_.compare_exchange_strong(undecided, Scheme::https);
    const http::Url registry = TRY(url_of(get.path));
    if (response->status != 401 || renewed || !response->url->same_origin(registry))
      return response;
    const bool offer = TRY(authenticator_.renew(*response, ticket, registry, asked(get.path)));
    if (!offer) return response;
    renewed = true;
  }
}

Asked RegistryClient::asked(const std::string& what) const {
  const bool plain = scheme_.load() == Scheme::http;
  const auto url = http::Url::parse(fmt::format("{}://{}", plain ? "http" : "https", host_));
  return {what, url ? url->origin() : host_, options_.credentials.credentials.has_value(),
          options_.credentials.helper};
}

Error RegistryClient::error_of(const http::Response& response, std::string_view what) const {
  return error_of_status(asked(std::string(what)), response);
}

}  // namespace podpilot::oci
