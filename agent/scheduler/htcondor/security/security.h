// SPDX-License-Identifier: Apache-2.0
// Connections that are authenticated and encrypted: made by token, resumed, or accepted.
//
// What a pool refuses is Fault::denied and says what would help; it is never tried again here, but
// for a session that the peer forgot, which is replaced by a new one.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/scheduler/htcondor/cedar/commands.h"
#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/security/session.h"
#include "agent/scheduler/htcondor/security/token.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

struct SecurityOptions {
  // Asked for; the peer may shorten it. The token is read again for each new session.
  std::chrono::seconds session_duration = std::chrono::hours(24);
};

// Thread-safe; one for the pilot.
class Security {
 public:
  Security(TokenSource tokens, SecurityOptions options);
  Security(const Security&) = delete;
  Security& operator=(const Security&) = delete;
  ~Security();

  // Dials, resumes a session that allows `command` or makes one by token. The stream is encrypted;
  // the next message is the command's payload.
  Result<Stream> command(const Sinful& peer, Command command, Deadline deadline, BorrowedFd stop);
  // Always by token: CCB_REGISTER wants it so.
  Result<Stream> fresh_command(const Sinful& peer, Command command, Deadline deadline,
                               BorrowedFd stop);
  // In `session` and no other; one that the peer does not know is Fault::not_found.
  Result<Stream> command(const Sinful& peer, Command command, const Session& session,
                         Deadline deadline, BorrowedFd stop);

  // Sessions that peers may resume towards us. admit() replaces one of the same id.
  void admit(Session session);
  void forget(const std::string& session_id);

  struct Inbound {
    Stream stream;  // encrypted; the next message is the command's payload
    Command command;
    std::string session;  // its id: what the peer may do goes by it
    std::string user;
  };
  // The peer's first message, answered. Only sessions that were admitted can be resumed: a peer
  // without one is told so where it asks, and is Fault::denied.
  Result<Inbound> accept(Stream connected, Deadline deadline);

 private:
  struct Cache;
  const TokenSource tokens_;
  const SecurityOptions options_;
  std::mutex mutex_;
  std::unique_ptr<Cache> cache_;             // guarded by mutex_
  std::map<std::string, Session> admitted_;  // by id; guarded by mutex_
};

}  // namespace podpilot::agent::htcondor
