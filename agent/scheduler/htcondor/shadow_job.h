// SPDX-License-Identifier: Apache-2.0
// One job and its shadow, from the activation to the last word. Lives on the poll loop; the talk
// (shadow_talk.h), which blocks, runs on a thread of its own, one thing after the other.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/scheduler/htcondor/security/security.h"
#include "agent/scheduler/htcondor/shadow_talk.h"
#include "agent/scheduler/htcondor/stop.h"
#include "agent/scheduler/scheduler.h"
#include "agent/worker.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent::htcondor {

class ShadowJob {
 public:
  // `left`: the shadow went away by itself while the job was not over. Poller and security outlive
  // this.
  static Result<std::unique_ptr<ShadowJob>> create(Poller& poller, Security& security,
                                                   ShadowSetting setting,
                                                   std::function<void()> left);
  ~ShadowJob();

  // The stream of the activation, once it was answered. describe() waits for it.
  void attach(Result<Stream> channel);

  // As in Scheduler. Descriptors become this object's.
  void describe(std::function<void(Result<JobDescription>)> done);
  void bring_inputs(UniqueFd folder, Done done);
  void executing(const ImageUse& image);
  void usage(const Usage& usage);
  // The payload was suspended, or goes on: condor_continue knows a job by that. What is said before
  // executing() would count as a start of the job, and is kept until then.
  void suspended(bool on);
  void send_outputs(UniqueFd folder, SendOutputs which, Done done);
  void finish(const Outcome& outcome, Done done);
  void abandon();

  // The other side ended the job: nothing more is said to the shadow.
  void dismiss() { dismissed_ = true; }
  // finish() gave the job back to the queue ...
  bool given_back() const { return given_back_; }
  // ... for a fault that was neither its own nor its being stopped.
  const std::optional<std::string>& failed_here() const { return failed_here_; }

 private:
  ShadowJob(Poller& poller, std::function<void()> left);
  void watch();
  void channel_lost(const Error& error);
  void updated(const Result<void>& told);
  // Runs `work` on the thread; `then` is called with its result unless abandon() came first.
  void run(std::function<Result<void>(ShadowTalk&)> work, Done then);

  Poller& poller_;
  std::function<void()> left_;
  std::shared_ptr<ShadowTalk> talk_;  // of the thread, once it runs
  std::optional<Result<Stream>> channel_;
  std::function<void(Result<JobDescription>)> describe_;
  BorrowedFd socket_;
  Poller::Handle hangup_;
  std::shared_ptr<Stop> transfer_;  // ends what goes on now; a new one after abandon()
  bool dismissed_ = false;
  bool reporting_ = false;
  bool begun_ = false;
  bool suspended_ = false;
  bool given_back_ = false;
  std::optional<std::string> failed_here_;
  std::unique_ptr<Worker> worker_;  // last: it ends before what it uses
};

}  // namespace podpilot::agent::htcondor
