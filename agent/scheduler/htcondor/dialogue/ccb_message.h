// SPDX-License-Identifier: Apache-2.0
// What a broker and the daemons behind it say to each other (ccb/ccb_listener.cpp): structs to ads
// and back. Pure.
#pragma once

#include <optional>
#include <string>

#include "agent/scheduler/htcondor/security/literal_ad.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// By a broker's answer one can be reached, and registered again under the same contact.
struct CcbRegistration {
  std::string contact;  // "" before the first
  std::string cookie;   // known to nobody else
};

// Somebody who waits for our connection.
struct CcbRequest {
  std::string address;  // a sinful
  std::string connect_id;
  std::string request_id;
};

LiteralAd registration_ad(const CcbRegistration& previous, const std::string& name);
Result<CcbRegistration> parse_registration(const LiteralAd& answer);

LiteralAd heartbeat_ad();

// Nothing for what asks nothing of us: a heartbeat's answer, and what later brokers may add.
std::optional<CcbRequest> parse_request(const LiteralAd& message);
// To the peer, after which it speaks; with the result to the broker.
LiteralAd connect_ad(const CcbRequest& request);
LiteralAd result_ad(const CcbRequest& request, const Result<void>& result);

}  // namespace podpilot::agent::htcondor
