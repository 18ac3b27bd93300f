// SPDX-License-Identifier: Apache-2.0
// What peers ask of us, each on a connection and a thread of its own. The thread reads, asks the
// desk (which decides, on the loop) and answers; whatever is not listed here closes the connection
// with one line in the log.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "agent/scheduler/htcondor/dialogue/claim.h"
#include "agent/scheduler/htcondor/security/security.h"
#include "agent/scheduler/scheduler.h"

namespace podpilot::agent::htcondor {

struct ActivationDecision {
  ActivateReply reply = ActivateReply::no;
  Reason why;         // where it is refused
  ClaimId claim = 0;  // where it is accepted
};

enum class VacateSpeed { soft, fast };
enum class OffSpeed {
  peaceful,  // jobs go on to their end
  graceful,  // for the pilot's retirement, then as soft
  fast,
};

// Every call names the security session that the peer resumed: what it may ask for goes by that,
// never by what it says. Called on connections' threads; they wait for the loop. Nothing where the
// pilot ends.
class Desk {
 public:
  virtual ~Desk() = default;
  virtual std::optional<ClaimReply> request_claim(const std::string& session,
                                                  const ClaimRequest& request) = 0;
  virtual std::optional<ActivationDecision> activate(const std::string& session,
                                                     const Activation& activation) = 0;
  // The stream of an accepted activation, after it was answered; an Error where that failed.
  virtual void channel(ClaimId claim, Result<Stream> stream) = 0;
  virtual std::optional<DeactivateReply> deactivate(const std::string& session,
                                                    const SecretClaimId& claim_id,
                                                    DeactivationKind kind) = 0;
  virtual void release(const std::string& session, const SecretClaimId& claim_id) = 0;
  virtual void suspend(const std::string& session, const SecretClaimId& claim_id, bool on) = 0;

  // The session that only administrators of the pool have.
  virtual bool is_administrator(const std::string& session) const = 0;
  virtual std::optional<Result<std::string>> drain(const DrainRequest& request) = 0;
  virtual std::optional<Result<std::string>> cancel_drain(const std::string& request_id) = 0;
  // A slot's name; the pilot's, the offered slot's or "" for all.
  virtual void vacate(const std::string& slot, VacateSpeed speed) = 0;
  virtual void off(OffSpeed speed) = 0;
};

// What is_administrator() lets a peer ask for.
std::span<const Command> administrator_commands();

// One connection, from its first byte to the last.
void serve(Security& security, Desk& desk, Stream connection);

}  // namespace podpilot::agent::htcondor
