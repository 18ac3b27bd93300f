// SPDX-License-Identifier: Apache-2.0
// Connections to a pod that nobody can connect to: we stay connected to brokers (CCB), which pass
// on who wants to talk to us, and dial those peers ourselves.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/security/security.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

struct CcbOptions {
  std::string name;                                               // ours, for the broker's log
  std::chrono::milliseconds heartbeat = std::chrono::minutes(4);  // below NATs' idle time
  std::chrono::milliseconds retry = std::chrono::seconds(60);     // between registrations
  std::chrono::milliseconds dial = std::chrono::seconds(30);  // for a whole registration or dial
  std::size_t connections = 256;  // reversed ones at once; more are refused
};

// Called on threads of the listener's own, several at once.
struct CcbHandlers {
  // The contacts that all brokers gave, for Sinful::ccb_contacts, whenever one changed: advertise
  // the new address at once.
  std::function<void(std::vector<std::string> contacts)> contacts;
  // A peer's connection: it speaks next, Security::accept() comes first. The thread is this
  // connection's own and may be kept as long as it is wanted.
  std::function<void(Stream connection)> connection;
  // A broker refused or was lost (`fault` says which); registration goes on by itself, except after
  // Fault::denied, which is final for that broker.
  std::function<void(const Sinful& broker, const Error& fault)> trouble;
};

class CcbListener {
 public:
  // Starts a thread for each broker. `security` and `stop` outlive the listener; `stop` becomes
  // readable to end all of its threads.
  CcbListener(Security& security, std::vector<Sinful> brokers, CcbOptions options,
              CcbHandlers handlers, BorrowedFd stop);
  CcbListener(const CcbListener&) = delete;
  CcbListener& operator=(const CcbListener&) = delete;
  // Waits for all threads: `stop` must be readable by then.
  ~CcbListener();

  // Those that are registered now.
  std::vector<std::string> contacts() const;

 private:
  struct Shared;
  class Registration;
  std::unique_ptr<Shared> shared_;
};

}  // namespace podpilot::agent::htcondor
