// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics/telemetry.h"

#include "oci/store/gc.h"

namespace podpilot::agent {
namespace {

constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kCacheEvery{60};
// A look that takes longer than that hangs.
constexpr std::chrono::seconds kCacheHung{180};

Result<CacheFigures> look_at(const oci::StoreLayout& store) {
  CacheFigures out;
  const oci::Disk disk = TRY(oci::look_at_disk(store));
  out.free = disk.free;
  out.used = TRY(oci::used_bytes(store));
  return out;
}

}  // namespace

Result<std::unique_ptr<Telemetry>> Telemetry::start(Poller& poller, const ListenAddress& address,
                                                    Metrics& metrics, const oci::StoreLayout& store,
                                                    Look look) {
  std::unique_ptr<Telemetry> out(new Telemetry(poller, metrics, store, std::move(look)));
  out->worker_ = TRY(Worker::create(poller));
  out->server_ = TRY(MetricsServer::start(address, out->snapshot()));
  out->look_at_cache();
  out->tick_later();
  return out;
}

Snapshot Telemetry::snapshot() {
  PilotView view = look_();
  const Clock::time_point now = Clock::now();
  view.checks.push_back({"cache", cache_trouble_});
  if (cache_ && now - cache_seen_ > kCacheHung) view.checks.back().trouble = "its disk hangs";
  Snapshot out{.checks = std::move(view.checks), .metrics = {}, .taken = now};
  view.figures.ready = out.ready();
  const Clock::duration passed = now - counted_;
  counted_ = now;
  metrics_.spent(out.ready() ? Spent::decision : Spent::misconfiguration, passed, view.idle_cpus);
  metrics_.spent(Spent::overhead, passed, view.waiting_cpus);
  out.metrics = metrics_.text(view.figures, cache_);
  return out;
}

void Telemetry::tick_later() {
  timer_ = poller_.after(kTick, [this] {
    server_->show(snapshot());
    tick_later();
  });
}

void Telemetry::look_at_cache() {
  worker_->run([this]() -> Worker::Task {
    return [this, figures = look_at(store_)] {
      cache_trouble_ = figures ? "" : figures.error().text;
      if (figures) cache_ = *figures;
      cache_seen_ = Clock::now();
      cache_timer_ = poller_.after(kCacheEvery, [this] { look_at_cache(); });
    };
  });
}

}  // namespace podpilot::agent
