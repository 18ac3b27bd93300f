// SPDX-License-Identifier: Apache-2.0
// curl handles that keep their connections between requests; each is used by one thread at a time.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace podpilot::oci::http {

struct CurlHandle {
  CURLM* multi = nullptr;  // owns the connections; its wake-up is what makes cancelling prompt
  CURL* easy = nullptr;

  CurlHandle();
  CurlHandle(CurlHandle&& other) noexcept
      : multi(std::exchange(other.multi, nullptr)), easy(std::exchange(other.easy, nullptr)) {}
  CurlHandle& operator=(CurlHandle&& other) noexcept {
    std::swap(multi, other.multi);
    std::swap(easy, other.easy);
    return *this;
  }
  ~CurlHandle();
};

class CurlPool {
 public:
  CurlHandle take();
  // With all options reset.
  void give_back(CurlHandle handle);

 private:
  std::mutex mutex_;
  std::vector<CurlHandle> idle_;
};

}  // namespace podpilot::oci::http
