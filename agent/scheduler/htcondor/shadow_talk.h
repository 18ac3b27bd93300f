// SPDX-License-Identifier: Apache-2.0
// What is said to a job's shadow, and what it says of the job: every call blocks. Of one thread at
// a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/scheduler/htcondor/dialogue/codes.h"
#include "agent/scheduler/htcondor/dialogue/shadow.h"
#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "agent/scheduler/htcondor/security/security.h"
#include "agent/scheduler/htcondor/slot/job_ad.h"
#include "agent/scheduler/scheduler.h"

namespace podpilot::agent::htcondor {

// What the job's slot adds.
struct ShadowSetting {
  JobSetting job;
  Ad starter;  // what the shadow is told of us
  Ad machine;  // of the slot, for the job's .machine.ad
};

class ShadowTalk {
 public:
  // Security outlives this.
  ShadowTalk(Security& security, ShadowSetting setting)
      : security_(security), setting_(std::move(setting)) {}

  // The stream of the activation: before everything else.
  void attach(Stream channel) { shadow_.emplace(std::move(channel)); }
  Result<JobDescription> learn();
  Result<void> bring_inputs(BorrowedFd folder, BorrowedFd stop);
  Result<void> begin(const ImageUse& image);
  Result<void> report(const Usage& usage, bool suspended);
  Result<void> suspended(bool on);
  Result<void> send_outputs(BorrowedFd folder, SendOutputs which, BorrowedFd stop);
  Result<void> finish(const Outcome& outcome);

  // Why the job must go back to the queue.
  const std::optional<std::string>& retry() const { return retry_; }

 private:
  Result<oci::Secret> fetch_login();
  Result<Stream> open_transfer(Command command, BorrowedFd stop);
  Result<void> judge(const TransferOutcome& outcome);
  void tell_execution_ended();
  OutputWish output_wish() const;

  Security& security_;
  ShadowSetting setting_;
  std::optional<Shadow> shadow_;
  CondorJob job_;
  std::string transfer_key_;
  std::optional<Sinful> transfer_address_;
  std::optional<Session> transfer_session_;
  ImageUse image_;
  Catalog before_;
  std::optional<Reason> hold_;  // what the shadow must hear instead of the outcome
  std::optional<std::string> retry_;
  std::int64_t begun_ = 0;  // Unix time; 0: the payload did not run
  bool told_ended_ = false;
  std::uint64_t received_ = 0;  // bytes of inputs
  std::uint64_t sent_ = 0;      // bytes of outputs
  std::vector<std::string> spooled_;
};

}  // namespace podpilot::agent::htcondor
