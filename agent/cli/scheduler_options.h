// SPDX-License-Identifier: Apache-2.0
// --scheduler and what belongs to each kind of it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "agent/cli/options.h"
#include "agent/scheduler/htcondor/cedar/sinful.h"
#include "agent/scheduler/htcondor/security/token.h"
#include "agent/scheduler/scheduler.h"
#include "sandbox/base/poller.h"
#include "sandbox/plan.h"

namespace podpilot::agent {

struct SpoolWish {
  std::string folder;
};

struct CondorWish {
  std::vector<htcondor::Sinful> collectors;
  std::vector<htcondor::Sinful> brokers;
  htcondor::TokenSource tokens;
  std::string start;  // the pool's own condition for jobs; "" for none
};

using SchedulerWish = std::variant<SpoolWish, CondorWish>;

// Before any process is forked: a token in the environment is taken from there. Fault::invalid
// names the option.
Result<SchedulerWish> scheduler_wish(const Options& options);

Result<std::unique_ptr<Scheduler>> make_scheduler(Poller& poller, const Options& options,
                                                  SchedulerWish wish, const sandbox::Pod& pod,
                                                  const Offer& offer);

// Of the time that a pilot of a pool gets to end: what its jobs do not get.
std::chrono::milliseconds stop_reserve(std::chrono::milliseconds grace);

// Of this pilot, for people and pools: --name, else the host's.
std::string pilot_name(const Options& options);

}  // namespace podpilot::agent
