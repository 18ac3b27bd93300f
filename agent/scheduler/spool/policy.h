// SPDX-License-Identifier: Apache-2.0
// What becomes of a job after an attempt, and when. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "agent/job/outcome.h"
#include "agent/scheduler/scheduler.h"
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

// What a pilot must know of a queued job before it takes it.
struct Request {
  Resources resources;
  std::string submitter;  // "": the job cannot be read, and fails with its reason
  std::string image;
};

enum class Suits {
  now,
  later,   // not beside what runs
  others,  // a submitter that this pod does not serve
  too_large,
  unfit_image,
};
// The pilot's own rules, so that nothing is taken only to be refused.
Suits suits(const Request& request, const Offer& offer);

// How long jobs of other submitters must have waited before a pilot without work makes room for a
// new one: pilots look twice a second, and those that can take them have done so by then.
inline constexpr std::chrono::seconds kOthersTurn{2};

}  // namespace podpilot::agent::spool
