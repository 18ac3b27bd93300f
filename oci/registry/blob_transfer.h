// SPDX-License-Identifier: Apache-2.0
// One blob out of as many answers as it takes: what counts is that the sink sees every byte once,
// in order, and never one too many.
#pragma once

#include <cstdint>
#include <string_view>

#include "oci/http/client.h"
#include "oci/source.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class BlobTransfer {
 public:
  // `sink` must outlive this.
  BlobTransfer(std::uint64_t size, const Sink& sink) : size_(size), sink_(sink) {}

  // The next answer begins; the value is the offset to ask for (0: the whole).
  std::uint64_t begin();
  // The body of a 2xx answer. An Error is final unless try_again().
  Result<void> accept(const http::Response& head, std::string_view bytes);
  // The answer was of no use because of the Range in the request.
  void distrust_range();

  std::uint64_t delivered() const { return delivered_; }
  bool complete() const { return delivered_ == size_; }
  // The last answer was of no use, but another without a Range may be.
  bool try_again() const { return distrust_range_now_; }

 private:
  Result<void> check_head(const http::Response& head);
  Result<std::uint64_t> check_range(std::string_view content_range);
  Result<void> check_length(std::string_view content_length, std::uint64_t wanted) const;

  std::uint64_t size_;
  const Sink& sink_;
  std::uint64_t delivered_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t skip_ = 0;  // of this answer: the sink has them already
  bool head_seen_ = false;
  bool distrust_range_ = false;
  bool distrust_range_now_ = false;
};

}  // namespace podpilot::oci
