// SPDX-License-Identifier: Apache-2.0
#include "oci/http/client.h"

#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "oci/http/exchange.h"
#include "oci/http/pool.h"
#include "oci/http/redirect.h"
#include "oci/http/trust.h"

namespace podpilot::oci::http {

struct Client::State {
  ClientOptions options;
  CurlPool pool;
  std::once_flag trust_once;
  Trust trust;

  const Trust& trust_for(const Url& url) {
    if (url.secure())
      std::call_once(trust_once, [this] {
        trust = options.ca_file.empty() ? find_trust() : trust_in(options.ca_file);
      });
    return trust;
  }

  Result<Response> exchange(const Request& request, const Url& url, Failure& failure) {
    CurlHandle handle = pool.take();
    Result<Response> response = Error{};
    {
      Exchange one(handle, options, trust_for(url), request, url);
      response = one.run();
      failure = one.failure();
    }
    pool.give_back(std::move(handle));
    return response;
  }
};

std::vector<std::string> client_files() {
  // c-ares 1.18 and 1.34 between them (ares_private.h).
  std::vector<std::string> files = {"/etc/resolv.conf", "/etc/hosts",       "/etc/nsswitch.conf",
                                    "/etc/host.conf",   "/etc/netsvc.conf", "/etc/svc.conf"};
  for (std::string& file : trust_files()) files.push_back(std::move(file));
  return files;
}

Client::Client(ClientOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}
Client::~Client() = default;

Result<Response> Client::send(const Request& first, Failure* failure_out) {
  Failure ignored = Failure::none;
  Failure& failure = failure_out ? *failure_out : ignored;
  Request request = first;
  Url url = first.url;
  for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
    Response response = TRY(state_->exchange(request, url, failure));
    if (!is_redirect(response.status)) return response;
    failure = Failure::forbidden;
    if (request.method == Method::post)
      return Error{Fault::denied, url.origin() + ": redirects a POST, which is not followed"};
    url = TRY(redirect_target(url, response.headers.get("Location")));
    request.named_by_server = true;
    failure = Failure::none;
  }
  failure = Failure::forbidden;
  return Error{Fault::invalid,
               fmt::format("{}: redirects more than {} times", first.url.origin(), kMaxRedirects)};
}

}  // namespace podpilot::oci::http
