// SPDX-License-Identifier: Apache-2.0
// The seam between the pilot and whoever gives it work. Three nouns:
//   offer  what this pod lends: resources, attributes, how many jobs its sandbox can hold at once
//   claim  a lease on part of the offer; outlives jobs; either side may end it
//   job    activated on a claim, one at a time; its final description comes after activation
//
// Everything happens on the pilot's poll loop: no call blocks, no callback runs inside the call
// that asked for it. A scheduler that must talk to somebody does so on threads of its own and
// comes back through the loop. What a scheduler says is input from outside: the pilot checks it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/job/description.h"
#include "agent/job/outcome.h"
#include "agent/tenancy.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

struct Offer {
  Resources total;
  Resources free;                      // total less what claims hold
  unsigned capacity = 1;               // jobs at once; 1 where one root serves the whole pod
  unsigned claims = 0;                 // held now
  bool draining = false;               // no new claims, no new jobs
  bool prepares = false;               // next_image() is of use
  Tenancy tenancy;                     // claims of other submitters are refused
  std::set<std::string> unfit_images;  // as jobs name them: this pod's root cannot show them
  std::map<std::string, std::string>
      attributes;  // what a matchmaker may ask for: rung, version ...
};

// The scheduler names claims; an id is not used again in the life of a pilot.
using ClaimId = std::uint64_t;

enum class ClaimAnswer { accepted, refused };

enum class ActivateAnswer {
  accepted,
  refused,    // no such claim, or draining
  try_again,  // the clean-up of the job before is not over yet
};

enum class Deactivation {
  soft,  // the payload is asked to stop (SIGTERM) and killed when the time given is over
  hard,  // killed at once; outputs are not wanted
  done,  // the other side knows that the job ended: no kill, only the clean-up
};

// What a scheduler may tell the pilot. Called on the loop.
class PilotPort {
 public:
  virtual ~PilotPort() = default;

  // `submitter` is who the claim's jobs belong to: what the scheduler itself vouches for, and no
  // word of the job's. "" where it cannot.
  virtual ClaimAnswer request_claim(ClaimId claim, const Resources& wanted,
                                    const std::string& submitter) = 0;
  // `job` is the scheduler's name for it, for logs. The pilot answers with Scheduler::describe.
  virtual ActivateAnswer activate(ClaimId claim, const std::string& job) = 0;
  // `grace` counts for soft only. Answered by Scheduler::deactivated, after the clean-up.
  virtual void deactivate(ClaimId claim, Deactivation how, std::chrono::milliseconds grace) = 0;
  virtual void suspend(ClaimId claim) = 0;
  virtual void resume(ClaimId claim) = 0;
  // The claim is over: its job is killed, nothing of it is sent.
  virtual void release(ClaimId claim) = 0;
  // The job goes on, nothing can be sent. Without contact_back() by `until` the pilot ends the
  // claim: the job is killed, nothing of it is sent, Scheduler::release() follows.
  virtual void contact_lost(ClaimId claim, Clock::time_point until) = 0;
  virtual void contact_back(ClaimId claim) = 0;
  // Finish what runs, take nothing new, then end.
  virtual void drain() = 0;
  // The scheduler has nothing to do and, as far as it can know, will not have: a spool without a
  // queued or running job. Ends a pilot that was started with --drain.
  virtual void exhausted() = 0;
  // A job of `submitter` has waited for a while that the offer's tenancy keeps out, and none that
  // this pod may take. May end the pilot.
  virtual void others_wait(const std::string& submitter) = 0;
  // A guess: the image, as jobs name it, that the next job for this offer will want; "" for none.
  virtual void next_image(const std::string& image) = 0;
  // The scheduler can never work again (a folder that is gone, a key that is refused).
  virtual void broken(Error why) = 0;
  // The end of a file in the job's folder, for the likes of condor_tail.
  virtual Result<std::string> tail(ClaimId claim, const std::string& file, std::uint64_t offset,
                                   std::size_t limit) = 0;
};

// What a job runs in.
struct ImageUse {
  std::string digest;                      // of its manifest; "" for a folder
  std::chrono::milliseconds pull_time{0};  // 0: it was there
};

enum class SendOutputs {
  all,      // the job ended by itself
  evicted,  // it was stopped: what it needs to go on elsewhere
  failed,   // it failed: stdout, stderr and what is there
};

// What a payload wrote, in the folder that send_outputs() gets.
inline constexpr const char* kStdoutFile = "_podpilot_stdout";
inline constexpr const char* kStderrFile = "_podpilot_stderr";

using Done = std::function<void(Result<void>)>;

// What the pilot asks of a scheduler. Called on the loop; each `done` is called exactly once,
// unless abandon() or release() of the claim came first, from either side: then never. A claim
// outlives its job: it ends by release() alone, after deactivated() it waits for the next job.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Once, before anything else. `port` and the loop outlive the scheduler.
  virtual Result<void> start(const Offer& offer, PilotPort& port) = 0;
  // The offer changed: claims came or went, draining began.
  virtual void update(const Offer& offer) = 0;

  virtual void describe(ClaimId claim, std::function<void(Result<JobDescription>)> done) = 0;
  // Puts the job's input files below `folder` (the job's own scratch).
  virtual void bring_inputs(ClaimId claim, BorrowedFd folder, Done done) = 0;
  // The sandbox is ready, the payload starts next.
  virtual void executing(ClaimId claim, const ImageUse& image) = 0;
  virtual void usage(ClaimId claim, const Usage& usage) = 0;
  // Takes stdout, stderr and output files from `folder`.
  virtual void send_outputs(ClaimId claim, BorrowedFd folder, SendOutputs which, Done done) = 0;
  // The job's end, exactly once for each accepted activate(), unless released.
  virtual void finish(ClaimId claim, const Outcome& outcome, Done done) = 0;
  // Nothing of the job is left: the claim can be activated again.
  virtual void deactivated(ClaimId claim) = 0;
  // Stop whatever goes on for this claim's job; no `done` comes any more.
  virtual void abandon(ClaimId claim) = 0;
  // The pilot ended the claim, and nothing of its job is left. Not where PilotPort::release() or
  // broken() came first.
  virtual void release(ClaimId claim) = 0;
  // Why no job can come at the moment, in one line; "" where nothing is wrong.
  virtual std::string trouble() const { return {}; }
  // No claim is left and the pilot is about to end: say goodbye, stop all threads.
  virtual void stop() = 0;
};

}  // namespace podpilot::agent
