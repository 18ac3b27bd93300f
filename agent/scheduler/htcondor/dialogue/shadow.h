// SPDX-License-Identifier: Apache-2.0
// The syscall channel: the stream of an accepted ACTIVATE_CLAIM (or CA_RECONNECT_JOB), on which the
// pilot is the one who asks. One thread at a time; one call at a time.
//
// Every call ends in one of three ways: the shadow did it; the shadow answered that it would not
// (Fault::denied, errno's name in the text; the channel goes on); or the channel is of no use any
// more (any other Fault; transient where the connection ended or the stop descriptor spoke).
// The order that shadows expect: job_info, register_starter, session_info, the input transfer,
// begin_execution, update ..., the output transfer, termination, exit.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/scheduler/htcondor/cedar/commands.h"
#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/dialogue/codes.h"
#include "oci/http/secret.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// A security session that the shadow made and hands out: for security's session_of_exported().
struct ExportedSession {
  std::string id;
  std::string info;
  oci::Secret key;
};

struct SessionInfo {
  ExportedSession reconnect;  // in which the shadow comes back after a lost connection
  ExportedSession transfer;   // "filetrans.*"
};

class Shadow {
 public:
  // `patience`: how long the shadow may take to answer; it writes job logs on slow disks meanwhile.
  explicit Shadow(Stream channel, std::chrono::seconds patience = std::chrono::minutes(5));

  // The job's full ad, with TransferKey and TransferSocket: what counts from here on.
  Result<Ad> job_info();
  Result<void> register_starter(const Ad& info);
  Result<SessionInfo> session_info();
  // A docker config.json as an ad, for jobs with docker_send_credentials.
  Result<Ad> docker_credentials();
  // The payload is about to exec: event 001, JobCurrentStartExecutingDate.
  Result<void> begin_execution();
  // The payload is over: from here on the shadow counts the time as the clean-up's.
  Result<void> execution_ended();
  Result<void> update(const Ad& figures);
  // The payload ended by itself: event 005 is written from it and from exit()'s.
  Result<void> termination(const Ad& final_ad);
  // The last word; `wait_status` as of waitpid(2). A shadow that hangs up instead of answering has
  // heard it.
  Result<void> exit(int wait_status, ExitReason reason, const Ad& final_ad);
  // An event for the job's log. Not answered: success says that it was sent.
  Result<void> log_event(const Ad& event);
  // Puts the job on hold (event 021), or, from code 1000 on, back to idle. The shadow hangs up or
  // deactivates the claim by itself then. `slot`: our slot's name.
  Result<void> hold(const Reason& why, const std::string& slot);

  BorrowedFd socket() const { return channel_.socket(); }

 private:
  MessageWriter request(Syscall number) const;
  Result<MessageReader> call(const MessageWriter& request, const char* name);
  // call(), with the answer's first number looked at.
  Result<MessageReader> ask(const MessageWriter& request, const char* name);
  Result<void> tell(Syscall number, const Ad& ad, const char* name);
  Deadline soon() const { return Deadline::after(patience_); }

  Stream channel_;
  std::chrono::seconds patience_;
};

}  // namespace podpilot::agent::htcondor
