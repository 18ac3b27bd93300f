// SPDX-License-Identifier: Apache-2.0
// A security session: a name and a key that two peers share, by which either resumes it.
#pragma once

#include <string>
#include <string_view>

#include "agent/scheduler/htcondor/cedar/key.h"
#include "agent/scheduler/htcondor/security/claim_id.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// Who holds a claim's secret, as HTCondor names them (condor_includes/condor_auth.h).
inline constexpr std::string_view kSubmitSide = "submit-side@matchsession";
inline constexpr std::string_view kExecuteSide = "execute-side@matchsession";

struct Session {
  std::string id;
  Key key;
  std::string user;  // who the peer is
  Clock::time_point expires = Clock::time_point::max();
};

// The session that a claim's holder and the slot share. Its peer is the submit side.
Session session_of(const SecretClaimId& claim);

// What a shadow hands out by get_sec_session_info. Fault::unsupported where `info` rules out AES.
Result<Session> session_of_exported(std::string id, std::string_view info, std::string_view key);

}  // namespace podpilot::agent::htcondor
