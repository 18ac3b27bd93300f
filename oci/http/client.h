// SPDX-License-Identifier: Apache-2.0
// The one HTTP client: blocking, with limits on everything a server decides. Redirects are followed
// here and not by curl, so that what is sent along is ours to say (redirect.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oci/http/headers.h"
#include "oci/http/secret.h"
#include "oci/http/url.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::oci::http {

enum class Method { get, head, post };

// Why there was no whole answer; a status code is an answer.
enum class Failure {
  none,
  name,         // does not resolve
  connect,      // nobody there
  tls,          // no handshake; a plain-text server, for one
  certificate,  // not accepted
  timeout,      // connecting, stalled, or the request's deadline
  cut,          // the connection broke in the middle
  forbidden,    // against our own rules: a redirect, a limit, not HTTP
  sink,         // the caller's sink said stop: its Error comes back as it is
  cancelled,    // the stop token
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;        // collected; empty where the sink had it
  std::optional<Url> url;  // that answered, after redirects
};

// `head` is complete but for its body. An Error ends the transfer.
using BodySink = std::function<Result<void>(const Response& head, std::string_view bytes)>;

struct Request {
  explicit Request(Url address) : url(std::move(address)) {}

  Url url;
  Method method = Method::get;
  std::vector<Header> headers;
  Secret authorization;          // value of Authorization: sent to the origin of `url`, to no other
  Secret form;                   // body of a POST, application/x-www-form-urlencoded
  std::uint64_t range_from = 0;  // > 0: "Range: bytes=N-"
  std::size_t max_body = 0;      // more than this of a collected 2xx body is an Error
  BodySink sink;                 // takes the body of a 2xx answer instead
  Deadline deadline = Deadline::never();
  std::stop_token stop;
  // The URL is not the operator's but a server's: link-local and metadata addresses are refused,
  // whatever name they hide behind.
  bool named_by_server = false;
};

struct ClientOptions {
  std::string user_agent;
  std::chrono::milliseconds connect_timeout{15'000};
  // Slower than this many bytes a second over a whole window is stalled. Time that the sink spends
  // does not count.
  std::uint64_t stall_rate = 1024;
  std::chrono::milliseconds stall_window{30'000};
  std::string ca_file = {};  // instead of those that trust.h finds
};

// Every configuration file (config_files.h) that a Client may want to read.
std::vector<std::string> client_files();

// Safe to call from several threads. Proxies are those of the environment (HTTPS_PROXY, HTTP_PROXY,
// ALL_PROXY, NO_PROXY, or in lower case, which goes first); none for loopback. The first call does
// the set-up of curl, the first https one reads certificates.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();

  // Any status is a value. Error texts name the host and no secret; `failure` says which kind.
  Result<Response> send(const Request& request, Failure* failure = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace podpilot::oci::http
