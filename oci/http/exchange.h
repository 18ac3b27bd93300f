// SPDX-License-Identifier: Apache-2.0
// One request to one URL and its answer, by curl; no redirects.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "oci/http/client.h"
#include "oci/http/pool.h"
#include "oci/http/stall.h"
#include "oci/http/trust.h"

namespace podpilot::oci::http {

class Exchange {
 public:
  // All must outlive this.
  Exchange(CurlHandle& handle, const ClientOptions& options, const Trust& trust,
           const Request& request, const Url& url);

  Result<Response> run();
  // After an Error of run().
  Failure failure() const { return failure_; }

 private:
  struct FreeList {
    void operator()(curl_slist* list) const;  // wipes it: there is a token in it
  };

  void configure();
  void configure_tls();
  void add_header(const std::string& name, const std::string& value);
  CURLcode transfer();
  std::optional<CURLcode> transfer_result();
  std::chrono::milliseconds next_wait() const;
  bool check_clocks();

  bool on_header(std::string_view line);
  bool on_body(std::string_view bytes);
  bool check_encoding();
  bool deliver(std::string_view bytes);
  bool stop(Failure failure, Error error);

  Error error_of(CURLcode code);
  Error header_too_long();
  std::optional<Error> refusal_of_proxy();
  bool head_began() const;
  Error fail(Failure failure, Fault fault, std::string_view what);

  static std::size_t header_callback(char* data, std::size_t, std::size_t size, void* self);
  static std::size_t body_callback(char* data, std::size_t, std::size_t size, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  CurlHandle& handle_;
  const ClientOptions& options_;
  const Trust& trust_;
  const Request& request_;
  const Url& url_;

  std::unique_ptr<curl_slist, FreeList> headers_;
  std::array<char, CURL_ERROR_SIZE> curl_text_{};
  Response response_;
  std::size_t header_bytes_ = 0;
  StallWatch stall_;
  Failure failure_ = Failure::none;
  std::optional<Error> stopped_;  // we ended it, and why
  bool enough_ = false;           // we ended it, the rest does not matter
};

}  // namespace podpilot::oci::http
