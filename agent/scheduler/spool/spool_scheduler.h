// SPDX-License-Identifier: Apache-2.0
// A folder as the pilot's scheduler: see FORMAT.md. Decisions are made on the loop; files are
// touched on two threads, one for tickets and leases, one for inputs and outputs, so that a large
// output does not cost the lease.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/scheduler/scheduler.h"
#include "agent/scheduler/spool/attempt.h"
#include "agent/scheduler/spool/folder.h"
#include "agent/scheduler/spool/policy.h"
#include "agent/scheduler/spool/transfer.h"
#include "agent/scheduler/spool/watcher.h"
#include "agent/worker.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent {

class SpoolScheduler : public Scheduler {
 public:
  // `path` is the spool, made if it is not there; `pilot` a name for people.
  // `renew` is the pause between two renewals of a lease.
  SpoolScheduler(Poller& poller, std::string path, std::string pilot,
                 Clock::duration renew = spool::kRenew);
  ~SpoolScheduler() override;

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
  std::string trouble() const override { return last_error_; }
  void stop() override;

 private:
  struct Job {
    spool::Taken taken;
    std::uint64_t beat = 1;
    bool beat_pending = false;
    Clock::time_point renewed{};
    bool contact_lost = false;
    bool cancelled = false;
    bool published = false;
    bool cleaned = false;         // deactivated() came
    std::stop_source transfer{};  // of what goes on for it; a new one after abandon()
    spool::Sent sent{};
    Clock::time_point publish_by{};  // the last try
    Poller::Handle retry{};
  };
  // What the keeper found in one look.
  struct Look {
    spool::Found found;
    std::optional<std::string> next_image;
    bool drained = false;
  };

  Job* find(ClaimId claim);
  void later(std::function<void()> call);

  // Looking for work.
  void look_after(Clock::duration delay);
  void look();
  void looked(const Result<void>& result);
  void others_wait(const std::string& submitter);
  bool wants_job() const;
  void look_failed(const Error& error);
  void accept(spool::Taken taken);
  void activate(ClaimId claim);
  void give_back(const spool::Ticket& ticket);

  // Holding on to it.
  void renew_all();
  void renew(ClaimId claim, Job& job);
  void renewed(ClaimId claim, const Result<spool::Hold>& hold);
  void uncertain(ClaimId claim, Job& job);
  void lose(ClaimId claim);

  // Ending it.
  void publish(ClaimId claim, Job& job, const Outcome& outcome, Done done);
  void published(ClaimId claim, const Outcome& outcome, const Result<spool::Published>& result,
                 const Done& done);
  void end_claim(ClaimId claim);

  Poller& poller_;
  std::string path_;
  std::string pilot_;
  Clock::duration renew_every_;
  std::uint64_t id_;
  PilotPort* port_ = nullptr;
  Offer offer_;
  unsigned updates_ = 0;
  std::shared_ptr<const spool::Folder> folder_;
  std::unique_ptr<spool::Watcher> watcher_;  // the keeper's
  std::map<ClaimId, Job> jobs_;
  ClaimId next_claim_ = 1;
  // Where a look's result lies until the loop has seen it.
  std::shared_ptr<Look> look_;
  Clock::time_point judged_;
  Clock::time_point peeked_;  // at what comes next
  std::string last_error_;
  bool said_exhausted_ = false;
  std::optional<Clock::time_point> others_since_;  // nobody's but others' jobs wait
  bool stopped_ = false;
  std::vector<std::function<void()>> deferred_;
  Poller::Handle deferred_timer_;
  Poller::Handle look_timer_;
  Poller::Handle renew_timer_;
  std::unique_ptr<Worker> keeper_;
  std::unique_ptr<Worker> mover_;
};

}  // namespace podpilot::agent
