// SPDX-License-Identifier: Apache-2.0
// The pilot: lends this pod to a scheduler, claim by claim, until idle time, a drain or a signal
// ends it.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/job/job_run.h"
#include "agent/metrics/metrics.h"
#include "agent/scheduler/scheduler.h"

namespace podpilot::agent {

struct PilotPolicy {
  Offer offer;  // total, capacity, tenancy and attributes; the rest is the pilot's to keep
  bool end_when_exhausted = false;
  std::optional<std::chrono::milliseconds> idle_exit;
  // No new jobs after so long; what runs may then go on for the retirement, or to its end.
  std::optional<std::chrono::milliseconds> accept_for;
  std::optional<std::chrono::milliseconds> retirement;
  // Between being told to stop and the end, of which jobs get all but the reserve: that is for
  // their outputs and for goodbyes. Without a reserve only what jobs get is limited.
  std::chrono::milliseconds stop_grace{10'000};
  std::chrono::milliseconds stop_reserve{0};
  // At the first signal already: whoever gave the jobs expects that of a node that goes away.
  bool stop_at_signal = false;
  // Else for so long after it jobs may go on; without it to their end.
  std::optional<std::chrono::milliseconds> drain_for;
};

// Why a pilot ended early; a new pod might mend it.
struct PilotFailure {
  Origin origin;
  Error error;
};

class Pilot final : public PilotPort {
 public:
  // All outlive the pilot. `metrics` may be none.
  Pilot(Site& site, Scheduler& scheduler, PilotPolicy policy, Metrics* metrics = nullptr);
  ~Pilot() override;

  // Runs the loop to the end.
  std::expected<void, PilotFailure> run();
  // A signal from outside: the first SIGTERM, SIGINT or SIGHUP drains, the second (or with
  // stop_at_signal the first) stops the jobs.
  void interrupted();
  // For those who ask how it goes.
  PilotView view() const;
  // Why it ends, half a sentence; "" before that.
  std::string_view ending() const { return ending_; }

  ClaimAnswer request_claim(ClaimId claim, const Resources& wanted,
                            const std::string& submitter) override;
  ActivateAnswer activate(ClaimId claim, const std::string& job) override;
  void deactivate(ClaimId claim, Deactivation how, std::chrono::milliseconds grace) override;
  void suspend(ClaimId claim) override;
  void resume(ClaimId claim) override;
  void release(ClaimId claim) override;
  void contact_lost(ClaimId claim, Clock::time_point until) override;
  void contact_back(ClaimId claim) override;
  void drain() override;
  void exhausted() override;
  void others_wait(const std::string& submitter) override;
  void next_image(const std::string& image) override;
  void broken(Error why) override;
  Result<std::string> tail(ClaimId claim, const std::string& file, std::uint64_t offset,
                           std::size_t limit) override;

 private:
  struct Claim {
    Resources held;
    std::string submitter;
    std::unique_ptr<JobRun> job;
    bool ending = false;           // gone with its job
    bool scheduler_knows = false;  // that it ends: it said so itself
    Poller::Handle contact;        // a lost contact's last moment
  };

  void launcher_gone();
  void drain_because(std::string_view why);
  void retire();
  void stop_jobs();
  void end_claim(ClaimId claim);
  void job_over(ClaimId claim);
  void drop(ClaimId claim);
  void remember_unfit(const JobRun& job);
  void record(const JobRun& job, const Claim& claim);
  void publish();
  void check_end();
  JobRun* job_of(ClaimId claim);

  Site& site_;
  Scheduler& scheduler_;
  PilotPolicy policy_;
  Metrics* metrics_;
  Offer offer_;
  std::map<ClaimId, Claim> claims_;
  Poller::Handle idle_;
  Poller::Handle retiring_;  // the end of accepting, then of the retirement or of drain_for
  Poller::Handle last_call_;
  std::map<ClaimId, Poller::Handle> over_;  // jobs that ended in this turn of the loop
  Poller::Handle launcher_;
  std::optional<PilotFailure> broken_;
  unsigned interruptions_ = 0;
  std::string_view ending_;  // a literal
};

}  // namespace podpilot::agent
