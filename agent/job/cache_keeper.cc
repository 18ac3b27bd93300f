// SPDX-License-Identifier: Apache-2.0
#include "agent/job/cache_keeper.h"

#include <fmt/format.h>

#include <utility>

#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

Result<oci::GcReport> tidy(const oci::StoreLayout& store, const oci::GcGoal& goal,
                           const std::stop_token& stop) {
  const bool reached = TRY(oci::is_reached(store, goal));
  if (reached) return oci::GcReport();
  return oci::collect_garbage(store, goal, stop);
}

}  // namespace

Result<std::unique_ptr<CacheKeeper>> CacheKeeper::create(Poller& poller, const oci::Store& store,
                                                         oci::GcGoal goal, Removed removed) {
  std::unique_ptr<CacheKeeper> keeper(new CacheKeeper(store, std::move(goal), std::move(removed)));
  keeper->worker_ = TRY(Worker::create(poller));
  return keeper;
}

CacheKeeper::~CacheKeeper() {
  stop_.request_stop();
}

void CacheKeeper::before_pull(Done done) {
  goal_.spare.reset();
  make_room(std::move(done));
}

void CacheKeeper::after_job(const oci::Digest& image) {
  store_.note_use(image);
  goal_.spare = image;
  make_room({});
}

void CacheKeeper::make_room(Done done) {
  waiting_.push_back(std::move(done));
  if (!under_way_) begin_round();
}

void CacheKeeper::begin_round() {
  under_way_ = true;
  served_ = std::exchange(waiting_, {});
  worker_->run([this, goal = goal_, stop = stop_.get_token()]() -> Worker::Task {
    return [this, report = tidy(store_.layout(), goal, stop)] { end_round(report); };
  });
}

void CacheKeeper::end_round(const Result<oci::GcReport>& report) {
  under_way_ = false;
  note(report);
  // What these do may be to ask for another round.
  for (const Done& done : std::exchange(served_, {}))
    if (done) done();
  if (!under_way_ && !waiting_.empty()) begin_round();
}

void CacheKeeper::make_way(std::function<void(bool made)> done) {
  worker_->run([this, done = std::move(done), stop = stop_.get_token()]() -> Worker::Task {
    return [this, done, report = oci::collect_garbage(store_.layout(), {.keep_bytes = 0}, stop)] {
      note(report);
      done(report && report->layers > 0);
    };
  });
}

void CacheKeeper::note(const Result<oci::GcReport>& report) const {
  if (!report)
    return log::warning("no room could be made in the cache", {{"error", report.error().text}});
  if (report->layers == 0) return;
  log::info("made room in the cache", {{"images", fmt::format("{}", report->images.size())},
                                       {"before", human_bytes(report->bytes_before)},
                                       {"after", human_bytes(report->bytes_after)}});
  removed_(*report);
}

}  // namespace podpilot::agent
