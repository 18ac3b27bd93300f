// SPDX-License-Identifier: Apache-2.0
// An HTCondor pool as the pilot's scheduler: to its collectors, schedds and shadows we are an
// execute node. All decisions are made on the loop; connections have threads of their own, which
// read, ask and answer (inbound.h, reporter.h, shadow_job.h).
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/mailbox.h"
#include "agent/scheduler/htcondor/claim_journal.h"
#include "agent/scheduler/htcondor/dialogue/ccb.h"
#include "agent/scheduler/htcondor/inbound.h"
#include "agent/scheduler/htcondor/question.h"
#include "agent/scheduler/htcondor/reporter.h"
#include "agent/scheduler/htcondor/security/security.h"
#include "agent/scheduler/htcondor/shadow_job.h"
#include "agent/scheduler/htcondor/slot/patience.h"
#include "agent/scheduler/htcondor/slot/slots.h"
#include "agent/scheduler/htcondor/stop.h"
#include "agent/scheduler/scheduler.h"
#include "agent/worker.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent::htcondor {

struct CondorSettings {
  std::vector<Sinful> collectors;
  std::vector<Sinful> brokers;  // empty: the collectors
  TokenSource tokens;
  Facts facts;     // without address, which the brokers give
  JobSetting job;  // without slot_name and resources
  SlotKind kind = SlotKind::partitionable;
  std::chrono::seconds report_every{300};
  std::chrono::seconds session_duration = std::chrono::hours(24);
  // A job that is asked to end gets this, or less where it asked for less itself.
  std::chrono::seconds vacate_time{600};
  // What jobs get before that once an administrator drains this pilot gracefully; nothing: to their
  // own end.
  std::optional<std::chrono::seconds> retirement;
  std::string journal;  // folder for claim_journal.h, which no payload reaches
};

class HtcondorScheduler final : public Scheduler, private Desk {
 public:
  // The poller outlives this.
  HtcondorScheduler(Poller& poller, CondorSettings settings);
  ~HtcondorScheduler() override;

  Result<void> start(const Offer& offer, PilotPort& port) override;
  void update(const Offer& offer) override;
  void describe(ClaimId claim, std::function<void(Result<JobDescription>)> done) override;
  void bring_inputs(ClaimId claim, BorrowedFd folder, Done done) override;
  void executing(ClaimId claim, const ImageUse& image) override;
  void usage(ClaimId claim, const Usage& usage) override;
  void send_outputs(ClaimId claim, BorrowedFd folder, SendOutputs which, Done done) override;
  void finish(ClaimId claim, const Outcome& outcome, Done done) override;
  void deactivated(ClaimId claim) override;
  void abandon(ClaimId claim) override;
  void release(ClaimId claim) override;
  std::string trouble() const override { return reporter_ ? reporter_->trouble() : ""; }
  void stop() override;

 private:
  // What a claim has beside its slot.
  struct Held {
    std::unique_ptr<ShadowJob> job;
    Clock::time_point taken{};                    // the job
    std::vector<Reply<DeactivateReply>> waiting;  // for the end of its clean-up
    Poller::Handle cleaning;                      // when they are told to wait no more
    Poller::Handle alive;
    Clock::time_point heard{};  // of the schedd
  };

  // Desk: on connections' threads.
  std::optional<ClaimReply> request_claim(const std::string& session,
                                          const ClaimRequest& request) override;
  std::optional<ActivationDecision> activate(const std::string& session,
                                             const Activation& activation) override;
  void channel(ClaimId claim, Result<Stream> stream) override;
  std::optional<DeactivateReply> deactivate(const std::string& session,
                                            const SecretClaimId& claim_id,
                                            DeactivationKind kind) override;
  void release(const std::string& session, const SecretClaimId& claim_id) override;
  void suspend(const std::string& session, const SecretClaimId& claim_id, bool on) override;
  bool is_administrator(const std::string& session) const override;
  std::optional<Result<std::string>> drain(const DrainRequest& request) override;
  std::optional<Result<std::string>> cancel_drain(const std::string& request_id) override;
  void vacate(const std::string& slot, VacateSpeed speed) override;
  void off(OffSpeed speed) override;

  // The same, decided on the loop.
  ClaimReply decide_claim(const std::string& session, const ClaimRequest& request);
  ActivationDecision decide_activation(const std::string& session, const Activation& activation);
  void decide_deactivation(const std::string& session, const SecretClaimId& claim_id,
                           DeactivationKind kind, const Reply<DeactivateReply>& reply);
  Result<std::string> decide_drain(const DrainRequest& request);
  Result<std::string> decide_cancel(const std::string& request_id);
  Result<void> check_drain(const DrainRequest& request) const;
  Claim* claim_of(const std::string& session, const SecretClaimId& claim_id);

  static constexpr std::chrono::seconds kTalk{20};    // an exchange with a schedd
  static constexpr std::chrono::seconds kDecide{30};  // a connection's thread waits for the loop

  // Claims.
  Held* held(ClaimId claim);
  ShadowJob* job_of(ClaimId claim);
  // Of a claim's slot, or of the one that is offered.
  SlotState state_of(const Claim* claim) const;
  Ad slot_of(const Claim* claim, Audience audience) const;
  ShadowSetting setting_for(const Claim& claim) const;
  void stop_job(ClaimId claim, VacateSpeed speed);
  void stop_jobs(VacateSpeed speed, const std::function<bool(const Claim&)>& which);
  void retire_jobs();
  void drained();
  enum class Parting { tell_schedd, told_by_schedd, silent };
  void end_claim(ClaimId claim, Parting parting);
  void tell_released(const Claim& claim);
  void release_orphans();
  void forget(ClaimId claim);
  void shadow_left(ClaimId claim);
  void lease_after(ClaimId claim, std::chrono::seconds delay);
  void send_alive_now(ClaimId claim);
  void alive_answered(ClaimId claim, const Result<std::optional<std::chrono::seconds>>& answer);
  void answer_waiting(Held& held, DeactivateReply reply);
  void job_failed_here(Clock::time_point taken, const std::string& why);

  // Advertising.
  bool draining() const { return offer_.draining || drain_; }
  bool accepting() const;
  Facts facts() const;
  std::vector<Report> reports();
  void report_soon();
  void report();
  void admit_claims();
  void contacts_changed(const std::vector<std::string>& contacts);
  void say_goodbye(Deadline deadline);
  void broker_trouble(const Sinful& broker, const Error& fault);

  Poller& poller_;
  CondorSettings settings_;
  Security security_;
  PilotPort* port_ = nullptr;
  Offer offer_;
  std::unique_ptr<Slots> slots_;
  std::optional<ClaimJournal> journal_;
  std::map<ClaimId, Held> held_;
  std::vector<std::string> admitted_;  // session ids of claim ids
  std::string admin_session_;
  std::uint64_t minted_ = 0;
  std::int64_t sequence_ = 0;
  Patience patience_;
  struct Drain {
    std::string id;
    AfterDrain then;
    UnixTime since;
  };
  std::optional<Drain> drain_;  // that an administrator began
  bool stopped_ = false;
  std::shared_ptr<Stop> stop_;
  std::unique_ptr<Mailbox> loop_;
  Poller::Handle report_timer_;
  Poller::Handle soon_;
  Poller::Handle patience_timer_;
  Poller::Handle retiring_;
  std::unique_ptr<Worker> courier_;  // ALIVE and RELEASE_CLAIM
  std::unique_ptr<Reporter> reporter_;
  std::unique_ptr<CcbListener> listener_;
};

}  // namespace podpilot::agent::htcondor
