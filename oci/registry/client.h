// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "oci/http/client.h"
#include "oci/reference.h"
#include "oci/registry/auth.h"
#include "oci/registry/error.h"
#include "oci/registry/options.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

// What distinguishes one GET, or HEAD, from another.
struct RegistryGet {
  std::string path;    // below /v2/REPOSITORY/: "manifests/latest"
  std::string accept;  // "" for a blob
  std::uint64_t range_from = 0;
  std::size_t max_body = 0;
  http::BodySink sink;
  http::Method method = http::Method::get;
};

// Requests about one repository, with the authentication that its registry asks for. Thread-safe.
class RegistryClient {
 public:
  // `client` must outlive this.
  RegistryClient(http::Client& client, const RegistryReference& reference, RegistryOptions options);

  const RegistryOptions& options() const { return options_; }
  // Once, but for a 401 that a token cures, and for https that turns out to be http on loopback.
  Result<http::Response> get(const RegistryGet& get, http::Failure& failure);
  // The Error of a status that the caller had no use for.
  Error error_of(const http::Response& response, std::string_view what) const;

 private:
  Result<http::Url> url_of(const std::string& path) const;
  Result<http::Response> send(const RegistryGet& get, const Authenticator::Ticket& ticket,
                              http::Failure& failure);
  bool fall_back_to_http(http::Failure failure);
  Asked asked(const std::string& what) const;

  // Some registries may be plain http (options.h); the first request finds out.
  enum class Scheme { undecided, https, http };

  http::Client& client_;
  std::string host_;
  std::string repository_;
  std::string name_;
  RegistryOptions options_;
  Authenticator authenticator_;
  std::atomic<Scheme> scheme_;
};

}  // namespace podpilot::oci
