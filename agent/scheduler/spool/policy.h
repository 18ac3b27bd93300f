// SPDX-License-Identifier: Apache-2.0
// What becomes of a job after an attempt, and when. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "agent/job/outcome.h"
#include "agent/scheduler/spool/ticket.h"

namespace podpilot::agent::spool {

inline constexpr std::chrono::seconds kRenew{5};
inline constexpr std::chrono::seconds kLease{20};
// Strikes (attempts that the site, the network or a lost pilot spoilt) that a job survives.
inline constexpr unsigned kMaxStrikes = 10;

struct Next {
  State state;      // where the ticket goes
  Ticket ticket;    // under which name
  Outcome outcome;  // what is recorded
};

// `ticket` is the running one. A failure of the payload's uses up a retry; anything else that
// asks for another try is a strike, unless the payload was merely stopped from outside.
Next after_attempt(const Ticket& ticket, unsigned retries, Outcome outcome);

// The lease of `ticket` has lapsed. As a claim of `observer`'s where that was the last strike.
Next after_lapse(const Ticket& ticket, std::uint64_t observer);

// How long a pilot must have seen `ticket` in queued/ before it takes it. A job that comes back
// waits a second or more, and longer for the pilot that gave it back: others get the first try.
std::chrono::seconds delay_before(const Ticket& ticket, std::uint64_t pilot);

}  // namespace podpilot::agent::spool
