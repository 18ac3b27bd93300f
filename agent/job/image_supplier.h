// SPDX-License-Identifier: Apache-2.0
// Gets a job's image: from the cache, else by a pull in a child of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/job/description.h"
#include "agent/job/outcome.h"
#include "agent/job/pull_events.h"
#include "oci/http/secret.h"
#include "oci/image.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

struct SuppliedImage {
  oci::Image image;
  std::chrono::milliseconds pull_time{0};  // 0: it was there
  std::optional<PullReady> pull{};         // how it went; nothing: it was there
};

struct ImageWish {
  std::string reference;
  PullPolicy policy = PullPolicy::missing;
  oci::Secret login;  // JobDescription::registry_login
};

// Whose fault a missing image is, and what it is.
struct ImageFailure {
  Origin origin;
  Error error;
};

class ImageSupplier {
 public:
  using Ready = std::function<void(std::expected<SuppliedImage, ImageFailure>)>;

  // One request under way; its destructor cancels it, and `ready` is not called then.
  class Request {
   public:
    virtual ~Request() = default;
  };

  virtual ~ImageSupplier() = default;
  // `ready` is called once, on the loop, never from within this call.
  virtual std::unique_ptr<Request> request(const ImageWish& wish, Ready ready) = 0;
  // No process needs it any more.
  virtual void give_back(SuppliedImage image) = 0;
};

}  // namespace podpilot::agent
