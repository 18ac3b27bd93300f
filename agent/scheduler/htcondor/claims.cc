// SPDX-License-Identifier: Apache-2.0
// What schedds and shadows ask of us: asked on their connections' threads, decided
// here on the loop.
#include <fmt/format.h>

#include <utility>

#include "agent/scheduler/htcondor/htcondor_scheduler.h"
#include "sandbox/base/log.h"

namespace podpilot::agent::htcondor {
namespace {

// The peer gives up after 20 s (condor_daemon_client/dc_startd.cpp).
constexpr std::chrono::seconds kCleaning{15};
// condor_startd.V6: a claim lapses after MAX_CLAIM_ALIVES_MISSED intervals without a sign of life.
constexpr int kMissed = 6;

std::string text_of(const Ad& ad, std::string_view name) {
  return ad.string(name).value_or("");
}

}  // namespace

// --- on connections' threads ---

std::optional<ClaimReply> HtcondorScheduler::request_claim(const std::string& session,
                                                           const ClaimRequest& request) {
  return ask<ClaimReply>(
      *loop_, Deadline::after(kDecide),
      [this, session, request](const auto& reply) { reply(decide_claim(session, request)); });
}

std::optional<ActivationDecision> HtcondorScheduler::activate(const std::string& session,
                                                              const Activation& activation) {
  return ask<ActivationDecision>(*loop_, Deadline::after(kDecide),
                                 [this, session, activation](const auto& reply) {
                                   reply(decide_activation(session, activation));
                                 });
}

void HtcondorScheduler::channel(ClaimId claim, Result<Stream> stream) {
  loop_->leave([this, claim, stream = std::make_shared<Result<Stream>>(std::move(stream))] {
    if (ShadowJob* job = job_of(claim)) job->attach(std::move(*stream));
  });
}

std::optional<DeactivateReply> HtcondorScheduler::deactivate(const std::string& session,
                                                             const SecretClaimId& claim_id,
                                                             DeactivationKind kind) {
  return ask<DeactivateReply>(*loop_, Deadline::after(kDecide),
                              [this, session, claim_id, kind](const auto& reply) {
                                decide_deactivation(session, claim_id, kind, reply);
                              });
}

void HtcondorScheduler::release(const std::string& session, const SecretClaimId& claim_id) {
  loop_->leave([this, session, claim_id] {
    const Claim* claim = claim_of(session, claim_id);
    if (!claim) return;
    log::info("condor: claim released", {{"slot", fmt::format("{}", claim->number)}});
    end_claim(claim->id, Parting::told_by_schedd);
  });
}

void HtcondorScheduler::suspend(const std::string& session, const SecretClaimId& claim_id,
                                bool on) {
  loop_->leave([this, session, claim_id, on] {
    const Claim* claim = claim_of(session, claim_id);
    if (!claim || claim->activity == (on ? SlotActivity::suspended : SlotActivity::busy)) return;
    slots_->set_activity(claim->id, on ? SlotActivity::suspended : SlotActivity::busy, unix_now());
    on ? port_->suspend(claim->id) : port_->resume(claim->id);
    if (ShadowJob* job = job_of(claim->id)) job->suspended(on);
    report_soon();
  });
}

// --- on the loop ---

Claim* HtcondorScheduler::claim_of(const std::string& session, const SecretClaimId& claim_id) {
  Claim* claim = slots_ ? slots_->find_by_session(session) : nullptr;
  return claim && claim->claim_id == claim_id ? claim : nullptr;
}

ClaimReply HtcondorScheduler::decide_claim(const std::string& session,
                                           const ClaimRequest& request) {
  const auto refuse = [&](const std::string& why) {
    log::info("condor: refused a claim", {{"job", job_id(request.job)}, {"why", why}});
    return ClaimReply{};
  };
  if (request.claim_id.session_id() != session || !slots_->offered() ||
      !(request.claim_id == *slots_->offered()))
    return refuse("its claim id is not the one that is offered");
  if (request.claim_partitionable_slot || request.dynamic_slots > 1 || !request.more_claims.empty())
    return refuse("it asks for more than one slot");
  const Ad slot = slot_of(nullptr, Audience::schedd);
  if (!accepting()) return refuse("nothing is accepted now");
  if (!accepts(facts(), state_of(nullptr), request.job)) return refuse("START is not true for it");
  const Result<Resources> resources = requested_resources(request.job, slot);
  if (!resources) return refuse(resources.error().text);

  Wanted wanted{.claim_id = request.claim_id,
                .resources = *resources,
                .schedd = request.schedd,
                .alive_interval = request.alive_interval,
                .use = {}};
  wanted.use.remote_user = text_of(request.job, "User");
  wanted.use.remote_owner = text_of(request.job, "Owner");
  wanted.use.client_machine =
      request.schedd.alias.empty() ? request.schedd.host : request.schedd.alias;
  const std::optional<ClaimId> granted = slots_->grant(wanted, unix_now());
  if (!granted) return refuse("it does not fit");
  const Claim& claim = *slots_->find(*granted);
  // The schedd authenticated its user, and wrote that name over whatever the job said.
  if (port_->request_claim(claim.id, claim.held, wanted.use.remote_user) == ClaimAnswer::refused) {
    slots_->end(claim.id, unix_now());
    report_soon();
    return refuse("the pilot has no room");
  }
  log::info("condor: claimed", {{"user", wanted.use.remote_user},
                                {"slot", fmt::format("{}", claim.number)},
                                {"cpus", fmt::format("{}", claim.held.cpus)}});
  if (const Result<void> kept = journal_->add(claim.id, claim.schedd, claim.claim_id); !kept)
    log::warning("condor: a claim is in no journal", {{"error", kept.error().text}});
  Held& held = held_[claim.id];
  held.heard = Clock::now();
  if (request.alive_interval.count() > 0) lease_after(claim.id, request.alive_interval / 3);
  report();
  ClaimReply reply{.accepted = true, .slots = {}, .leftovers = {}};
  reply.slots.push_back({claim.claim_id, slot_of(&claim, Audience::schedd)});
  if (slots_->kind() == SlotKind::partitionable)
    reply.leftovers = ClaimedSlot{*slots_->offered(), slot_of(nullptr, Audience::schedd)};
  return reply;
}

ActivationDecision HtcondorScheduler::decide_activation(const std::string& session,
                                                        const Activation& activation) {
  const auto refuse = [&](HoldCode code, std::string why, ActivateReply reply = ActivateReply::no) {
    log::info("condor: refused a job", {{"job", job_id(activation.job)}, {"why", why}});
    return ActivationDecision{.reply = reply, .why = {code, 0, std::move(why)}};
  };
  Claim* claim = claim_of(session, activation.claim_id);
  if (!claim) return refuse(HoldCode::activation_claim_not_found, "no such claim");
  if (text_of(activation.job, "User") != claim->use.remote_user)
    return refuse(HoldCode::activation_no_match, "the claim is another user's");
  Held& held = held_[claim->id];
  if (held.job)
    return refuse(HoldCode::activation_still_cleaning, "the job before is not gone yet",
                  ActivateReply::try_again);
  if (!accepts(facts(), state_of(claim), activation.job))
    return refuse(HoldCode::activation_no_match, "START is not true for it");
  const ClaimId id = claim->id;
  Result<std::unique_ptr<ShadowJob>> job =
      ShadowJob::create(poller_, security_, setting_for(*claim), [this, id] { shadow_left(id); });
  if (!job) return refuse(HoldCode::starter_error, job.error().text);
  held.job = *std::move(job);
  held.taken = Clock::now();
  claim->use.job_id = job_id(activation.job);
  claim->use.global_job_id = text_of(activation.job, "GlobalJobId");
  claim->use.job_started = unix_now();
  switch (port_->activate(id, claim->use.job_id)) {
    case ActivateAnswer::accepted:
      break;
    case ActivateAnswer::try_again:
      held.job.reset();
      return refuse(HoldCode::activation_still_cleaning, "the job before is not gone yet",
                    ActivateReply::try_again);
    case ActivateAnswer::refused:
      held.job.reset();
      return refuse(HoldCode::activation_not_idle, "this pilot takes no more jobs");
  }
  slots_->set_activity(id, SlotActivity::busy, unix_now());
  report_soon();
  return {.reply = ActivateReply::ok, .why = {}, .claim = id};
}

void HtcondorScheduler::decide_deactivation(const std::string& session,
                                            const SecretClaimId& claim_id, DeactivationKind kind,
                                            const Reply<DeactivateReply>& reply) {
  const Claim* claim = claim_of(session, claim_id);
  if (!claim) return reply({.start = false});
  const ClaimId id = claim->id;
  Held& held = held_[id];
  const bool again = !draining();
  if (kind == DeactivationKind::check || !held.job) return reply({.start = again});
  switch (kind) {
    case DeactivationKind::graceful:
    case DeactivationKind::final_transfer:
      reply({.start = again});
      return stop_job(id, VacateSpeed::soft);
    case DeactivationKind::forcible:
      reply({.start = again});
      held.job->dismiss();
      return port_->deactivate(id, Deactivation::hard, {});
    case DeactivationKind::job_done:
    case DeactivationKind::check:
      break;
  }
  held.waiting.push_back(reply);
  held.cleaning = poller_.after(kCleaning, [this, id] {
    if (Held* still = this->held(id))
      answer_waiting(*still, {.start = true, .still_cleaning = true});
  });
  held.job->dismiss();
  port_->deactivate(id, Deactivation::done, {});
}

// --- leases ---

void HtcondorScheduler::lease_after(ClaimId claim, std::chrono::seconds delay) {
  Held* held = this->held(claim);
  if (held) held->alive = poller_.after(delay, [this, claim] { send_alive_now(claim); });
}

void HtcondorScheduler::send_alive_now(ClaimId id) {
  const Claim* claim = slots_->find(id);
  if (!claim) return;
  courier_->run([this, id, schedd = claim->schedd, claim_id = claim->claim_id]() -> Worker::Task {
    return [this, id,
            answer = send_alive(security_, schedd, claim_id, Deadline::after(kTalk), stop_->fd())] {
      alive_answered(id, answer);
    };
  });
}

void HtcondorScheduler::alive_answered(ClaimId id,
                                       const Result<std::optional<std::chrono::seconds>>& answer) {
  Claim* claim = slots_->find(id);
  Held* held = this->held(id);
  if (!claim || !held) return;
  if (answer && !*answer) {
    log::warning("condor: the schedd forgot a claim", {{"slot", fmt::format("{}", claim->number)}});
    return end_claim(id, Parting::told_by_schedd);
  }
  const std::chrono::seconds interval = std::max(std::chrono::seconds(3), claim->alive_interval);
  if (answer) {
    held->heard = Clock::now();
    if (**answer > std::chrono::seconds::zero()) claim->alive_interval = **answer;
  } else {
    log::warning("condor: no sign of life to the schedd", {{"error", answer.error().text}});
    if (Clock::now() - held->heard > interval * kMissed) {
      log::warning("condor: a claim's lease is over", {{"slot", fmt::format("{}", claim->number)}});
      return end_claim(id, Parting::silent);
    }
  }
  lease_after(id, interval / 3);
}

}  // namespace podpilot::agent::htcondor
