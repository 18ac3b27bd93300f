// SPDX-License-Identifier: Apache-2.0
// Which part of the pod is whose, in HTCondor's terms: what is offered, and the claims on it. Pure:
// time and new claim ids come from outside; the answers are the scheduler's to carry out.
//
//   partitionable  one slot that is never claimed itself: each claim cuts a dynamic slot out of it,
//                  takes the claim id that was offered, and leaves the rest under a new one
//   fixed          one static slot with all resources, for a sandbox that holds one job at a time
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/scheduler/htcondor/cedar/sinful.h"
#include "agent/scheduler/htcondor/security/claim_id.h"
#include "agent/scheduler/htcondor/slot/machine_ad.h"
#include "agent/scheduler/htcondor/slot/unix_time.h"
#include "agent/scheduler/scheduler.h"

namespace podpilot::agent::htcondor {

struct Claim {
  ClaimId id = 0;
  unsigned number = 0;  // of its dynamic slot; 0: the fixed one
  SecretClaimId claim_id;
  Resources held;
  Sinful schedd;
  std::chrono::seconds alive_interval{0};
  SlotPhase phase = SlotPhase::claimed;
  SlotActivity activity = SlotActivity::idle;
  UnixTime activity_since = 0;
  SlotUse use;  // claim_started is set by grant()
};

// What a peer asks for.
struct Wanted {
  SecretClaimId claim_id;
  Resources resources;  // of a partitionable slot
  Sinful schedd;
  std::chrono::seconds alive_interval{0};
  SlotUse use;  // whose
};

class Slots {
 public:
  // A claim id that was never used before.
  using Mint = std::function<SecretClaimId()>;
  Slots(SlotKind kind, Resources total, Mint mint, UnixTime now);

  SlotKind kind() const { return kind_; }
  const Resources& total() const { return total_; }
  Resources free() const;
  // The claim id that the offered slot's ad carries; nothing while the fixed slot is claimed.
  const std::optional<SecretClaimId>& offered() const { return offered_; }
  UnixTime offered_since() const { return offered_since_; }
  const std::map<ClaimId, Claim>& claims() const { return claims_; }

  // For who knows the offered claim id. Nothing where the id is another, or where it does not fit.
  // A fixed slot is given as a whole.
  std::optional<ClaimId> grant(const Wanted& wanted, UnixTime now);
  // The claim is over; its resources are offered again. A fixed slot gets a new claim id, so that
  // nobody can come back with the old one.
  void end(ClaimId id, UnixTime now);

  Claim* find(ClaimId id);
  // By the session that a peer resumed: who has the one of a claim cannot speak of another.
  Claim* find_by_session(const std::string& session);
  void set_activity(ClaimId id, SlotActivity activity, UnixTime now);

  // Of the offered slot and of the claims: those that a peer may come with.
  std::vector<SecretClaimId> claim_ids() const;

 private:
  unsigned free_number() const;

  SlotKind kind_;
  Resources total_;
  Mint mint_;
  std::optional<SecretClaimId> offered_;
  UnixTime offered_since_;
  std::map<ClaimId, Claim> claims_;
  ClaimId next_ = 1;
};

}  // namespace podpilot::agent::htcondor
