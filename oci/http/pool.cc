// SPDX-License-Identifier: Apache-2.0
#include "oci/http/pool.h"

#include <cstdlib>

namespace podpilot::oci::http {
namespace {

constexpr std::size_t kMaxIdle = 8;

// Sets up OpenSSL as well, so it waits for the first request.
void set_up_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) std::abort();  // fails without memory only, as new would
}

}  // namespace

CurlHandle::CurlHandle() {
  set_up_curl();
  multi = curl_multi_init();
  easy = curl_easy_init();
  if (!multi || !easy) std::abort();
}

CurlHandle::~CurlHandle() {
  if (easy) curl_easy_cleanup(easy);
  if (multi) curl_multi_cleanup(multi);
}

CurlHandle CurlPool::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return {};
  CurlHandle handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void CurlPool::give_back(CurlHandle handle) {
  curl_easy_reset(handle.easy);
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(handle));
}

}  // namespace podpilot::oci::http
