// SPDX-License-Identifier: Apache-2.0
// Images out of the cache, or by a pull in a child (pull_child.h): one for all requests that want
// the same image with the same login while it is under way. It ends when nobody waits for it any
// more; when it fails, it fails for all of them in the same words.
//
// What was pulled with a login of a job's own is in the cache without the name that it has at its
// registry: only a pull finds it, and so the registry says each time who may have it.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "agent/job/cache_keeper.h"
#include "agent/job/image_supplier.h"
#include "agent/job/pull_events.h"
#include "agent/job/registry_waits.h"
#include "oci/reference.h"
#include "oci/store/store.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent {

struct PullSettings {
  std::string cache;                                   // for the child's command line
  std::vector<std::string> arguments;                  // more for the same
  std::function<void(const LayerProgress&)> progress;  // may be empty
  // No registry but one on loopback is asked before a moment that chance finds in this first part
  // of our life: pilots that are started together are not one crowd.
  Clock::duration first_contact = {};
  CacheKeeper* keeper = nullptr;  // outlives the puller; none: the cache grows
};

class Puller final : public ImageSupplier {
 public:
  // Poller and store outlive this, and this its requests.
  Puller(Poller& poller, oci::Store& store, PullSettings settings);
  ~Puller() override;

  std::unique_ptr<Request> request(const ImageWish& wish, Ready ready) override;
  void give_back(SuppliedImage image) override;

 private:
  class Ticket;
  class Pull;
  // What needs no pull; nothing if a pull has to find out.
  std::optional<std::expected<SuppliedImage, ImageFailure>> at_hand(const oci::Reference& reference,
                                                                    PullPolicy policy);
  Result<void> join(Ticket& ticket, const oci::Reference& reference, const oci::Secret& login);
  void forget(const Pull& pull);

  Poller& poller_;
  oci::Store& store_;
  PullSettings settings_;
  Clock::time_point first_contact_;
  RegistryWaits waits_;
  std::list<std::shared_ptr<Pull>> under_way_;
};

}  // namespace podpilot::agent
