// SPDX-License-Identifier: Apache-2.0
// One pull in a child (`/proc/self/exe pull`), in which alone what a registry and an image say is
// parsed, without the pilot's secrets and shut in by Landlock. Killing the child is the cancel; its
// crash is the image's fault and leaves the cache whole. It gets the configuration files that this
// process is served (config_files.h), else reads them itself.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/job/image_supplier.h"
#include "agent/job/pull_events.h"
#include "oci/digest.h"
#include "oci/http/secret.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/poller.h"
#include "sandbox/base/process.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

struct PullOrder {
  std::string reference;  // in normal form
  std::string cache;
  std::vector<std::string> arguments;  // more for its command line
  oci::Secret login;                   // empty: those of the configuration
};

struct PulledImage {
  oci::Digest manifest;
  PullReady figures;
};

class PullChild {
 public:
  struct Listener {
    std::function<void(const LayerProgress&)> progress;         // may be empty
    std::function<void(std::chrono::milliseconds)> overloaded;  // leave the registry alone so long
    // Once. While it runs the child still keeps gc away from the image.
    std::function<void(std::expected<PulledImage, ImageFailure>)> over;
  };

  // Poller outlives the result, whose end kills the child.
  static Result<std::unique_ptr<PullChild>> start(Poller& poller, const PullOrder& order,
                                                  Listener listener);
  Clock::time_point started() const { return started_; }

 private:
  PullChild(std::string reference, Listener listener)
      : reference_(std::move(reference)), listener_(std::move(listener)) {}
  Result<void> spawn_child(Poller& poller, const PullOrder& order);
  void read_events();
  void take(const std::string& line);
  void ended();
  std::expected<PulledImage, ImageFailure> result();

  std::string reference_;
  Listener listener_;
  Clock::time_point started_{};
  ChildProcess child_;
  UniqueFd events_;
  std::string text_;
  std::optional<Error> failure_;
  std::optional<PullReady> ready_;
  Poller::Handle watch_;
};

}  // namespace podpilot::agent
