// SPDX-License-Identifier: Apache-2.0
// What administrators of the pool ask of us: asked on their connections' threads, decided on the
// loop.
#include <fmt/format.h>

#include <utility>

#include "agent/scheduler/htcondor/classad/value.h"
#include "agent/scheduler/htcondor/htcondor_scheduler.h"
#include "sandbox/base/log.h"

namespace podpilot::agent::htcondor {
namespace {

bool all(const Claim&) {
  return true;
}

}  // namespace

// Written once, before anybody can know of us.
bool HtcondorScheduler::is_administrator(const std::string& session) const {
  return session == admin_session_;
}

std::optional<Result<std::string>> HtcondorScheduler::drain(const DrainRequest& request) {
  return ask<Result<std::string>>(
      *loop_, Deadline::after(kDecide),
      [this, request](const auto& reply) { reply(decide_drain(request)); });
}

std::optional<Result<std::string>> HtcondorScheduler::cancel_drain(const std::string& request_id) {
  return ask<Result<std::string>>(
      *loop_, Deadline::after(kDecide),
      [this, request_id](const auto& reply) { reply(decide_cancel(request_id)); });
}

void HtcondorScheduler::vacate(const std::string& slot, VacateSpeed speed) {
  loop_->leave([this, slot, speed] {
    log::info("condor: an administrator ends claims", {{"slot", slot.empty() ? "all" : slot}});
    const Facts& facts = settings_.facts;
    const bool every =
        slot.empty() || slot == facts.name || slot == slot_name(facts, slots_->kind(), 0);
    stop_jobs(speed, [&](const Claim& claim) {
      return every || slot == slot_name(facts, state_of(&claim).kind, claim.number);
    });
  });
}

void HtcondorScheduler::off(OffSpeed speed) {
  loop_->leave([this, speed] {
    log::info("condor: an administrator ends this pilot");
    if (speed == OffSpeed::graceful) retire_jobs();
    if (speed == OffSpeed::fast) stop_jobs(VacateSpeed::fast, all);
    port_->drain();
  });
}

// --- on the loop ---

// A claim without a job ends at once, and is none of slots_ any more.
void HtcondorScheduler::stop_jobs(VacateSpeed speed,
                                  const std::function<bool(const Claim&)>& which) {
  std::vector<ClaimId> chosen;
  for (const auto& [id, claim] : slots_->claims())
    if (which(claim)) chosen.push_back(id);
  for (const ClaimId id : chosen) stop_job(id, speed);
}

// What runs may go on for the retirement, or to its end.
void HtcondorScheduler::retire_jobs() {
  stop_jobs(VacateSpeed::soft, [this](const Claim& claim) { return !job_of(claim.id); });
  if (!settings_.retirement) return;
  retiring_ = poller_.after(*settings_.retirement, [this] {
    log::info("condor: the jobs' retirement is over");
    stop_jobs(VacateSpeed::soft, all);
  });
}

Result<void> HtcondorScheduler::check_drain(const DrainRequest& request) const {
  if (drain_) return Error{Fault::denied, "already draining"};
  if (!request.start.empty() && !same_name(request.start, "false"))
    return Error{Fault::unsupported,
                 "no job starts here while a drain goes on, whatever -start says"};
  if (request.check.empty()) return {};
  const auto check = [&](const Claim* claim) -> Result<void> {
    Ad ad = slot_of(claim, Audience::collector);
    TRY(ad.set_checked_expression("Check", request.check));
    if (ad.boolean("Check") == true) return {};
    return Error{Fault::denied, fmt::format("-check is not true for {}", ad.value("Name"))};
  };
  if (slots_->offered()) TRY(check(nullptr));
  for (const auto& [id, claim] : slots_->claims()) TRY(check(&claim));
  return {};
}

Result<std::string> HtcondorScheduler::decide_drain(const DrainRequest& request) {
  TRY(check_drain(request));
  std::string id = fmt::format("{}-{}", settings_.facts.started, ++sequence_);
  log::info("condor: an administrator drains this pilot", {{"reason", request.reason}});
  drain_ = {.id = id, .then = request.then, .since = unix_now()};
  switch (request.speed) {
    case DrainSpeed::graceful:
      retire_jobs();
      break;
    case DrainSpeed::quick:
      stop_jobs(VacateSpeed::soft, all);
      break;
    case DrainSpeed::fast:
      stop_jobs(VacateSpeed::fast, all);
      break;
  }
  report_soon();
  drained();
  return id;
}

Result<std::string> HtcondorScheduler::decide_cancel(const std::string& request_id) {
  if (!drain_ || (!request_id.empty() && request_id != drain_->id))
    return Error{Fault::not_found, "no such drain"};
  log::info("condor: an administrator ends the drain");
  std::string id = drain_->id;
  drain_.reset();
  retiring_.reset();
  report_soon();
  return id;
}

// Called where a claim ended, too.
void HtcondorScheduler::drained() {
  if (!drain_ || !slots_->claims().empty()) return;
  switch (drain_->then) {
    case AfterDrain::nothing:
      return;
    case AfterDrain::resume:
    case AfterDrain::reconfigure:
      drain_.reset();
      return report_soon();
    case AfterDrain::exit:
    case AfterDrain::restart:
      // Perhaps the pilot is ending that claim just now.
      return loop_->leave([this] { port_->drain(); });
  }
}

}  // namespace podpilot::agent::htcondor
