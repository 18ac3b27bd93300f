// SPDX-License-Identifier: Apache-2.0
// A pilot's eye on the spool: takes what fits and gives back what dead pilots hold. Calls block;
// for one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/scheduler/scheduler.h"
#include "agent/scheduler/spool/folder.h"
#include "agent/scheduler/spool/job_file.h"
#include "agent/scheduler/spool/policy.h"
#include "agent/scheduler/spool/sightings.h"
#include "sandbox/base/deadline.h"

namespace podpilot::agent::spool {

struct Taken {
  Ticket ticket;
  std::string submitter;
  Result<JobFile> job;  // an Error where job.json is not what it should be
  std::chrono::milliseconds wait{0};
  bool cancelled = false;
};

// What one look at the queue found.
struct Found {
  std::optional<Taken> taken;
  // Where nothing was taken, and nothing that the offer may have later waits: whose job waits that
  // its tenancy keeps out.
  std::string other;
};

class Watcher {
 public:
  Watcher(const Folder& folder, std::uint64_t pilot, std::string name);

  // Takes the first job in the queue that suits the offer and may be taken now.
  Result<Found> take(const Offer& offer, Clock::time_point now);
  // The image of the job that take() would give a pilot which does not run one now; "" for none.
  Result<std::string> next_image(Offer offer);
  // To be called every few seconds. Jobs whose lease did not change for kLease go back to the
  // queue, or end where that was their last strike.
  Result<void> judge_leases(Clock::time_point now);

 private:
  bool may_take(const Ticket& ticket, Clock::time_point now);
  const Request& request_of(const std::string& job);
  Result<std::optional<Taken>> try_take(const Ticket& ticket);
  Result<void> lapse(const Ticket& ticket);
  void complain_once(const std::string& job, const Resources& wanted);

  const Folder& folder_;
  std::uint64_t pilot_;
  std::string name_;
  Sightings waiting_;  // tickets that came back to the queue
  Sightings leases_;
  std::map<std::string, Request> requests_;  // by job; bounded
  std::set<std::string> too_large_;          // jobs already complained about; bounded
};

}  // namespace podpilot::agent::spool
