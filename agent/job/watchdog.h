// SPDX-License-Identifier: Apache-2.0
// Looks at what running jobs use, as often as watchdog_policy.h says, and tells who is over a
// limit or has to go before the kernel kills the whole pod. Lives on the poll loop; looking is
// done by threads that are started with the first job that needs them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/job/job_figures.h"
#include "agent/worker.h"
#include "sandbox/base/poller.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

class Watchdog {
 public:
  // Also jobs without a limit: somebody wants to know what they used.
  enum class Account { no, yes };
  using Over = std::function<void(Excess, std::string text)>;

  // One job. Its destructor ends the watch; the Watchdog outlives it.
  class Watch {
   public:
    Watch(Watchdog& owner, std::shared_ptr<const JobHandles> job, Over over);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // As of the last look.
    const JobFigures& now() const { return state_.now; }

    // The job's processes are gone: its files are measured a last time where that matters, and
    // `done` gets the highest figures seen, on the loop, perhaps before this returns.
    void finish(std::function<void(const JobFigures& peak)> done);

   private:
    friend class Watchdog;
    void update(const JobLook& look);
    void check();
    void tell(Excess excess, std::string text);
    void walk_files();
    void files_walked(std::uint64_t bytes, Clock::duration cost);

    Watchdog& owner_;
    std::shared_ptr<const JobHandles> job_;
    Over over_;
    WatchedJob state_;
    JobFigures peak_;
    ExactLook last_;
    bool told_ = false;
    bool walking_ = false;
    bool walk_is_stale_ = false;  // the job ended during it
    Poller::Handle next_walk_;
    std::function<void(const JobFigures&)> done_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  };

  Watchdog(Poller& poller, Account account) : poller_(poller), account_(account) {}

  // Call it when the payload runs. `over` is called at most once, on the loop. Null where there is
  // nothing to look at: no limit, neither of the job nor of the pod, and no account is asked for.
  Result<std::unique_ptr<Watch>> watch(JobHandles job, Over over);

 private:
  void look(Walk walk);
  Walk due();
  void judge(const Look& look, const std::vector<LookRequest>& asked);

  Poller& poller_;
  Account account_;
  unsigned cores_ = 0;  // 0: the pod was not looked at yet
  std::optional<MemoryGroup> pod_;
  std::vector<Watch*> watches_;
  bool looking_ = false;
  WalkBudget budget_{Clock::now()};
  Poller::Handle next_look_;
  std::unique_ptr<Worker> memory_;
  std::unique_ptr<Worker> files_;  // apart: a walk over a million files takes seconds
};

}  // namespace podpilot::agent
