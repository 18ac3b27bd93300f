// SPDX-License-Identifier: Apache-2.0
// DC_AUTHENTICATE on a connection: how a session is made or resumed (condor_io/condor_secman.cpp,
// condor_daemon_core.V6/daemon_command.cpp).
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>

#include "agent/scheduler/htcondor/cedar/commands.h"
#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/security/session.h"
#include "agent/scheduler/htcondor/security/token.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

struct NewSession {
  Session session;
  std::set<int> commands;  // that it allows
};

// Client: by token. The stream is encrypted then.
Result<NewSession> make_session(Stream& stream, const Sinful& peer, Command command,
                                const TokenSource& tokens, std::chrono::seconds duration,
                                Deadline deadline);

// Client: Fault::not_found where the peer does not know the session. The stream is encrypted then.
Result<void> resume_session(Stream& stream, const Sinful& peer, Command command,
                            const Session& session, Deadline deadline);

struct Resumed {
  Command command = Command::dc_nop;
  Session session;
};

// Server: `find` gives the session of an id. The stream is encrypted then.
Result<Resumed> accept_session(
    Stream& stream, const std::function<std::optional<Session>(const std::string& id)>& find,
    Deadline deadline);

}  // namespace podpilot::agent::htcondor
