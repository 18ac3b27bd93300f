// SPDX-License-Identifier: Apache-2.0
// The scheduler of `podpilot run`: one job, known beforehand, whose outcome is kept.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "agent/scheduler/scheduler.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent {

class SingleJob final : public Scheduler {
 public:
  SingleJob(Poller& poller, JobDescription job, std::function<void()> executing = {})
      : poller_(poller), job_(std::move(job)), executing_(std::move(executing)) {}

  const std::optional<Outcome>& outcome() const { return outcome_; }

  Result<void> start(const Offer&, PilotPort&) override { return {}; }
  void update(const Offer&) override {}
  void describe(ClaimId, std::function<void(Result<JobDescription>)> done) override {
    later([this, done = std::move(done)] { done(job_); });
  }
  void bring_inputs(ClaimId, BorrowedFd, Done done) override { succeed(std::move(done)); }
  void executing(ClaimId, const ImageUse&) override {
    if (executing_) executing_();
  }
  void usage(ClaimId, const Usage&) override {}
  void send_outputs(ClaimId, BorrowedFd, SendOutputs, Done done) override {
    succeed(std::move(done));
  }
  void finish(ClaimId, const Outcome& outcome, Done done) override {
    outcome_ = outcome;
    succeed(std::move(done));
  }
  void deactivated(ClaimId) override {}
  void abandon(ClaimId) override { answers_.clear(); }
  void release(ClaimId) override {}
  void stop() override {}

 private:
  void later(std::function<void()> answer) {
    answers_.push_back(poller_.after({}, std::move(answer)));
  }
  void succeed(Done done) {
    later([done = std::move(done)] { done({}); });
  }

  Poller& poller_;
  JobDescription job_;
  std::function<void()> executing_;
  std::optional<Outcome> outcome_;
  std::vector<Poller::Handle> answers_;
};

}  // namespace podpilot::agent
