// SPDX-License-Identifier: Apache-2.0
// Connections to a pod that nobody can connect to: we stay connected to brokers (CCB), which pass
// on who wants to talk to us, and dial those peers ourselves.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
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
  // What contacts() gives, for Sinful::ccb_contacts, whenever one changed: advertise the new
  // address at once.
  std::function<void(std::vector<std::string> contacts)> contacts;
  // A peer's connection: it speaks next, Security::accept() comes first. The thread is this
  // connection's own and may be kept as long as it is wanted.
  std::function<void(Stream connection)> connection;
  // A broker refused us or was lost. Registration is tried again, by the cookie that keeps the old
  // contact valid, until `stop`.
  std::function<void(const Sinful& broker, const Error& fault)> trouble;
};

class CcbListener {
 public:
  // Starts a thread for each broker. `security` and `stop` outlive the listener. `stop` becomes
  // readable to end them and all connections that are not handed on yet.
  CcbListener(Security& security, std::vector<Sinful> brokers, CcbOptions options,
              CcbHandlers handlers, BorrowedFd stop);
  CcbListener(const CcbListener&) = delete;
  CcbListener& operator=(const CcbListener&) = delete;
  // Waits for all threads, those in CcbHandlers::connection as well: `stop` must be readable by
  // then.
  ~CcbListener();

  // The last one that each broker gave.
  std::vector<std::string> contacts() const;

 private:
  struct Shared;
  class Registration;
  std::unique_ptr<Shared> shared_;
  std::vector<std::jthread> threads_;
};

}  // namespace podpilot::agent::htcondor
