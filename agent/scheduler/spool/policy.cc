// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/scheduler/spool/result.h"

namespace podpilot::agent::spool {
namespace {

bool fits(const Resources& wanted, const Resources& free) {
  return wanted.cpus <= free.cpus && wanted.memory <= free.memory && wanted.disk <= free.disk;
}

bool succeeded(const Outcome& outcome) {
  return outcome.verdict == Verdict::done && outcome.exit && outcome.exit->shell_code() == 0;
}

// Another try reads the same words or was not wanted.
bool is_final(const Outcome& outcome) {
  return outcome.slug == "job-invalid" || outcome.slug == kCancelledSlug;
}

// Drained, evicted: nothing went wrong.
bool is_blameless(const Outcome& outcome) {
  return outcome.slug == "payload-stopped";
}

}  // namespace

Next after_attempt(const Ticket& ticket, unsigned retries, Outcome outcome) {
  Next next{State::done, ticket, std::move(outcome)};
  if (next.outcome.verdict == Verdict::requeue) {
    if (!is_blameless(next.outcome)) ++next.ticket.strikes;
    if (next.ticket.strikes < kMaxStrikes) {
      next.state = State::queued;
      return next;
    }
    next.outcome.verdict = Verdict::failed;
    next.outcome.text += fmt::format(" (gave up after {} such attempts)", next.ticket.strikes);
    return next;
  }
  if (succeeded(next.outcome) || is_final(next.outcome) || ticket.retried >= retries) return next;
  ++next.ticket.retried;
  next.state = State::queued;
  return next;
}

Next after_lapse(const Ticket& ticket, std::uint64_t observer) {
  Next next{State::queued, ticket, {}};
  if (++next.ticket.strikes < kMaxStrikes) return next;
  const unsigned strikes = next.ticket.strikes;
  return {State::done, next.ticket.taken_by(observer), pilots_lost(strikes)};
}

std::chrono::seconds delay_before(const Ticket& ticket, std::uint64_t pilot) {
  using std::chrono::seconds;
  if (ticket.owner == 0) return seconds(0);
  const unsigned bad = std::clamp(ticket.retried + ticket.strikes, 1U, 6U);
  const seconds delay = std::min(seconds(1 << (bad - 1)), seconds(30));
  return ticket.owner == pilot ? 2 * delay : delay;
}

Suits suits(const Request& request, const Offer& offer) {
  if (!fits(request.resources, offer.total)) return Suits::too_large;
  if (offer.unfit_images.contains(request.image)) return Suits::unfit_image;
  if (!request.submitter.empty() && rule(offer.tenancy, request.submitter, true) != Ruling::accept)
    return Suits::others;
  return fits(request.resources, offer.free) ? Suits::now : Suits::later;
}

}  // namespace podpilot::agent::spool
