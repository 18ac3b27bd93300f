// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/slots.h"

#include <set>

#include "test/catch.h"

using namespace podpilot::agent;
using namespace podpilot::agent::htcondor;

namespace {

constexpr Resources kPod{.cpus = 4, .memory = 8ULL << 30, .disk = 100ULL << 30};
constexpr Resources kPart{.cpus = 1, .memory = 2ULL << 30, .disk = 10ULL << 30};

struct Fixture {
  explicit Fixture(SlotKind kind)
      : slots(
            kind, kPod, [this] { return mint_claim_id("<10.0.0.1:1>", 1700000000, ++minted); },
            1000) {}

  std::optional<ClaimId> grant(const Resources& wanted, const SecretClaimId& id, UnixTime now) {
    Wanted request;
    request.claim_id = id;
    request.resources = wanted;
    request.use.remote_user = "alice@pool";
    return slots.grant(request, now);
  }
  std::optional<ClaimId> grant(const Resources& wanted, UnixTime now = 2000) {
    return grant(wanted, *slots.offered(), now);
  }

  std::uint64_t minted = 0;
  Slots slots;
};

}  // namespace

TEST_CASE("a partitionable slot is cut up until nothing is left") {
  Fixture pod(SlotKind::partitionable);
  std::set<std::string> offered;
  for (unsigned number = 1; number <= 4; ++number) {
    const SecretClaimId before = *pod.slots.offered();
    CHECK(offered.insert(before.session_id()).second);
    const auto id = pod.grant(kPart);
    REQUIRE(id);
    const Claim& claim = *pod.slots.find(*id);
    CHECK(claim.number == number);
    CHECK(claim.claim_id == before);
    CHECK(claim.held == kPart);
    CHECK(claim.use.claim_started == 2000);
  }
  CHECK(pod.slots.free() == Resources{.cpus = 0, .memory = 0, .disk = 60ULL << 30});
  REQUIRE(pod.slots.offered());
  CHECK_FALSE(pod.grant(kPart));
  CHECK(pod.slots.claims().size() == 4);
}

TEST_CASE("an ended claim's number and resources are used again, its claim id is not") {
  Fixture pod(SlotKind::partitionable);
  const auto first = pod.grant(kPart);
  const auto second = pod.grant(kPart);
  REQUIRE(second);
  const SecretClaimId old = pod.slots.find(*first)->claim_id;
  pod.slots.end(*first, 3000);
  CHECK(pod.slots.free().cpus == 3);
  CHECK_FALSE(pod.slots.find(*first));
  CHECK_FALSE(pod.slots.find_by_session(old.session_id()));
  CHECK_FALSE(pod.grant(kPart, old, 3000));
  const auto third = pod.grant(kPart);
  REQUIRE(third);
  CHECK(*third != *first);
  CHECK(pod.slots.find(*third)->number == 1);
}

TEST_CASE("a fixed slot is given as a whole and comes back under a new claim id") {
  Fixture pod(SlotKind::fixed);
  const SecretClaimId offered = *pod.slots.offered();
  const auto id = pod.grant(kPart);
  REQUIRE(id);
  CHECK(pod.slots.find(*id)->held == kPod);
  CHECK(pod.slots.find(*id)->number == 0);
  CHECK_FALSE(pod.slots.offered());
  CHECK_FALSE(pod.grant(kPart, offered, 2500));
  pod.slots.end(*id, 3000);
  REQUIRE(pod.slots.offered());
  CHECK_FALSE(*pod.slots.offered() == offered);
  CHECK(pod.slots.offered_since() == 3000);
  CHECK_FALSE(pod.grant(kPart, offered, 3000));
  CHECK(pod.grant(kPart));
}

TEST_CASE("a session finds its own claim and no other") {
  Fixture pod(SlotKind::partitionable);
  const auto first = pod.grant(kPart);
  const auto second = pod.grant(kPart);
  REQUIRE((first && second));
  const std::string session = pod.slots.find(*second)->claim_id.session_id();
  REQUIRE(pod.slots.find_by_session(session));
  CHECK(pod.slots.find_by_session(session)->id == *second);
  CHECK_FALSE(pod.slots.find_by_session(pod.slots.offered()->session_id()));
  CHECK_FALSE(pod.slots.find_by_session(""));
  CHECK(pod.slots.claim_ids().size() == 3);
}

TEST_CASE("an activity begins when it changes") {
  Fixture pod(SlotKind::fixed);
  const auto id = pod.grant(kPod);
  REQUIRE(id);
  pod.slots.set_activity(*id, SlotActivity::busy, 2100);
  pod.slots.set_activity(*id, SlotActivity::busy, 2200);
  CHECK(pod.slots.find(*id)->activity_since == 2100);
  pod.slots.set_activity(*id, SlotActivity::idle, 2300);
  CHECK(pod.slots.find(*id)->activity_since == 2300);
  pod.slots.set_activity(99, SlotActivity::busy, 2400);
}
