// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/slots.h"

#include <algorithm>
#include <utility>

namespace podpilot::agent::htcondor {

Slots::Slots(SlotKind kind, Resources total, Mint mint, UnixTime now)
    : kind_(kind), total_(total), mint_(std::move(mint)), offered_(mint_()), offered_since_(now) {}

Resources Slots::free() const {
  Resources free = total_;
  for (const auto& [id, claim] : claims_) {
    free.cpus -= claim.held.cpus;
    free.memory -= claim.held.memory;
    free.disk -= claim.held.disk;
  }
  return free;
}

std::optional<ClaimId> Slots::grant(const Wanted& wanted, UnixTime now) {
  if (!offered_ || !(wanted.claim_id == *offered_)) return std::nullopt;
  const bool cut = kind_ == SlotKind::partitionable;
  const Resources held = cut ? wanted.resources : total_;
  const Resources left = free();
  if (held.cpus > left.cpus || held.memory > left.memory || held.disk > left.disk)
    return std::nullopt;
  Claim claim;
  claim.id = next_++;
  claim.number = cut ? free_number() : 0;
  claim.claim_id = *std::exchange(offered_, std::nullopt);
  claim.held = held;
  claim.schedd = wanted.schedd;
  claim.alive_interval = wanted.alive_interval;
  claim.activity_since = now;
  claim.use = wanted.use;
  claim.use.claim_started = now;
  if (cut) offered_ = mint_();
  const ClaimId id = claim.id;
  claims_.emplace(id, std::move(claim));
  return id;
}

void Slots::end(ClaimId id, UnixTime now) {
  if (claims_.erase(id) == 0 || kind_ == SlotKind::partitionable) return;
  offered_ = mint_();
  offered_since_ = now;
}

Claim* Slots::find(ClaimId id) {
  const auto found = claims_.find(id);
  return found == claims_.end() ? nullptr : &found->second;
}

Claim* Slots::find_by_session(const std::string& session) {
  const auto found = std::ranges::find_if(
      claims_, [&](const auto& entry) { return entry.second.claim_id.session_id() == session; });
  return found == claims_.end() ? nullptr : &found->second;
}

void Slots::set_activity(ClaimId id, SlotActivity activity, UnixTime now) {
  Claim* claim = find(id);
  if (!claim || claim->activity == activity) return;
  claim->activity = activity;
  claim->activity_since = now;
}

std::vector<SecretClaimId> Slots::claim_ids() const {
  std::vector<SecretClaimId> ids;
  if (offered_) ids.push_back(*offered_);
  for (const auto& [id, claim] : claims_) ids.push_back(claim.claim_id);
  return ids;
}

// The lowest that no claim has, as slot names are people's landmarks.
unsigned Slots::free_number() const {
  unsigned number = 1;
  while (std::ranges::any_of(claims_,
                             [&](const auto& entry) { return entry.second.number == number; }))
    ++number;
  return number;
}

}  // namespace podpilot::agent::htcondor
