// SPDX-License-Identifier: Apache-2.0
// Keeps a pilot's cache within its limits: gc before a pull, after it and after a job, on a thread.
// The image that ran last stays, as jobs come in clusters, until another one is to be pulled. Lives
// on the poll loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "agent/worker.h"
#include "oci/store/gc.h"
#include "oci/store/store.h"
#include "sandbox/base/poller.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

class CacheKeeper {
 public:
  using Removed = std::function<void(const oci::GcReport&)>;
  using Done = std::function<void()>;

  // Poller and store outlive this; the store is writable. `removed` is called on the loop.
  static Result<std::unique_ptr<CacheKeeper>> create(Poller& poller, const oci::Store& store,
                                                     oci::GcGoal goal, Removed removed);
  // Waits for the removal of one layer at most.
  ~CacheKeeper();

  // `done` is called on the loop when there is room, or nothing more to be had.
  void before_pull(Done done);
  void after_pull() { make_room({}); }
  void after_job(const oci::Digest& image);
  // The disk was too small for a pull: all that is not in use makes way. `done` is told whether
  // anything did.
  void make_way(std::function<void(bool made)> done);

 private:
  CacheKeeper(const oci::Store& store, oci::GcGoal goal, Removed removed)
      : store_(store), goal_(std::move(goal)), removed_(std::move(removed)) {}
  void make_room(Done done);
  void begin_round();
  void end_round(const Result<oci::GcReport>& report);
  void note(const Result<oci::GcReport>& report) const;

  const oci::Store& store_;
  oci::GcGoal goal_;
  Removed removed_;
  std::vector<Done> waiting_;  // for the next round
  std::vector<Done> served_;   // by the one that runs
  bool under_way_ = false;
  std::stop_source stop_;
  std::unique_ptr<Worker> worker_;  // last: it ends before what it uses
};

}  // namespace podpilot::agent
