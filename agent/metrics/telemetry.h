// SPDX-License-Identifier: Apache-2.0
// Looks at the pilot once a second and shows what it sees to whoever asks (server.h). On the poll
// loop; the cache, whose disk may hang, is looked at on a thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/metrics/metrics.h"
#include "agent/metrics/server.h"
#include "agent/worker.h"
#include "oci/store/layout.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent {

class Telemetry {
 public:
  using Look = std::function<PilotView()>;

  // All but the address outlive this. `look` is called at once and then from the loop.
  static Result<std::unique_ptr<Telemetry>> start(Poller& poller, const ListenAddress& address,
                                                  Metrics& metrics, const oci::StoreLayout& store,
                                                  Look look);

  std::uint16_t port() const { return server_->port(); }

 private:
  Telemetry(Poller& poller, Metrics& metrics, const oci::StoreLayout& store, Look look)
      : poller_(poller), metrics_(metrics), store_(store), look_(std::move(look)) {}
  Snapshot snapshot();
  void tick_later();
  void look_at_cache();

  Poller& poller_;
  Metrics& metrics_;
  const oci::StoreLayout& store_;
  Look look_;
  Clock::time_point counted_ = Clock::now();
  std::optional<CacheFigures> cache_;
  std::string cache_trouble_ = "not looked at yet";
  Clock::time_point cache_seen_{};
  std::unique_ptr<MetricsServer> server_;
  Poller::Handle timer_;
  Poller::Handle cache_timer_;
  std::unique_ptr<Worker> worker_;  // last: it ends before what it uses
};

}  // namespace podpilot::agent
