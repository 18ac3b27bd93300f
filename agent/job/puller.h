// SPDX-License-Identifier: Apache-2.0
// Images out of the cache, or by a child (`/proc/self/exe pull`) in which alone what a registry and
// an image say is parsed, without the pilot's secrets and shut in by Landlock. Killing the child is
// the cancel; its crash is the image's fault and leaves the cache whole. It gets the configuration
// files that this process is served (config_files.h), else reads them itself.
//
// What was pulled with a login of a job's own is in the cache without the name that it has at its
// registry: only a pull finds it, and so the registry says each time who may have it.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/job/image_supplier.h"
#include "agent/job/pull_events.h"
#include "agent/job/registry_waits.h"
#include "oci/store/store.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent {

struct PullSettings {
  std::string cache;                                   // for the child's command line
  std::vector<std::string> arguments;                  // about registries, for the same
  std::function<void(const LayerProgress&)> progress;  // may be empty
};

class Puller final : public ImageSupplier {
 public:
  // Poller and store outlive this.
  Puller(Poller& poller, oci::Store& store, PullSettings settings)
      : poller_(poller), store_(store), settings_(std::move(settings)) {}

  std::unique_ptr<Request> request(const ImageWish& wish, Ready ready) override;

 private:
  class Pull;
  Poller& poller_;
  oci::Store& store_;
  PullSettings settings_;
  RegistryWaits waits_;
};

}  // namespace podpilot::agent
