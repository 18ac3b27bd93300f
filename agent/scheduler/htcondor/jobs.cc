// SPDX-License-Identifier: Apache-2.0
// What the pilot asks for a job, and how claims end.
#include <fmt/format.h>

#include <utility>

#include "agent/scheduler/htcondor/cedar/peer_version.h"
#include "agent/scheduler/htcondor/htcondor_scheduler.h"
#include "sandbox/base/log.h"

namespace podpilot::agent::htcondor {
namespace {

Error no_job(ClaimId claim) {
  return {Fault::internal, fmt::format("no job of HTCondor's has claim {}", claim)};
}

}  // namespace

HtcondorScheduler::Held* HtcondorScheduler::held(ClaimId claim) {
  const auto found = held_.find(claim);
  return found == held_.end() ? nullptr : &found->second;
}

ShadowJob* HtcondorScheduler::job_of(ClaimId claim) {
  Held* held = this->held(claim);
  return held ? held->job.get() : nullptr;
}

ShadowSetting HtcondorScheduler::setting_for(const Claim& claim) const {
  const SlotState state = state_of(&claim);
  ShadowSetting setting{.job = settings_.job,
                        .starter = {},
                        .machine = slot_ad(settings_.facts, state, Audience::schedd)};
  const std::string name = slot_name(settings_.facts, state.kind, claim.number);
  setting.job.slot_name = name;
  setting.job.resources = claim.held;
  Ad& starter = setting.starter;
  starter.set("Name", name);
  starter.set("Machine", settings_.facts.machine);
  starter.set("StarterIpAddr", settings_.facts.address);
  starter.set("MyAddress", settings_.facts.address);
  starter.set("CondorVersion", condor_version());
  starter.set("UidDomain", settings_.facts.domain);
  starter.set("FileSystemDomain", settings_.facts.domain);
  starter.set("CondorScratchDir", settings_.job.scratch);
  starter.set("HasReconnect", false);
  for (const char* attribute : {"CondorPlatform", "Arch", "OpSys", "Cpus", "Memory", "Disk"})
    if (const auto value = setting.machine.expression(attribute)) [[maybe_unused]]
      const auto set = starter.set_expression(attribute, *value);
  return setting;
}

void HtcondorScheduler::describe(ClaimId claim, std::function<void(Result<JobDescription>)> done) {
  if (ShadowJob* job = job_of(claim)) return job->describe(std::move(done));
  loop_->leave([claim, done = std::move(done)] { done(no_job(claim)); });
}

void HtcondorScheduler::bring_inputs(ClaimId claim, BorrowedFd folder, Done done) {
  ShadowJob* job = job_of(claim);
  Result<UniqueFd> fd = duplicate(folder);
  if (job && fd) return job->bring_inputs(*std::move(fd), std::move(done));
  loop_->leave([done = std::move(done), why = job ? fd.error() : no_job(claim)] { done(why); });
}

void HtcondorScheduler::executing(ClaimId claim, const ImageUse& image) {
  if (ShadowJob* job = job_of(claim)) job->executing(image);
  if (Claim* slot = slots_->find(claim)) slot->use.image_digest = image.digest;
}

void HtcondorScheduler::usage(ClaimId claim, const Usage& usage) {
  if (ShadowJob* job = job_of(claim)) job->usage(usage);
  if (Claim* slot = slots_->find(claim)) slot->use.usage = usage;
}

void HtcondorScheduler::send_outputs(ClaimId claim, BorrowedFd folder, SendOutputs which,
                                     Done done) {
  ShadowJob* job = job_of(claim);
  Result<UniqueFd> fd = duplicate(folder);
  if (job && fd) return job->send_outputs(*std::move(fd), which, std::move(done));
  loop_->leave([done = std::move(done), why = job ? fd.error() : no_job(claim)] { done(why); });
}

void HtcondorScheduler::finish(ClaimId claim, const Outcome& outcome, Done done) {
  ShadowJob* job = job_of(claim);
  if (!job) return loop_->leave([done = std::move(done)] { done({}); });
  log::info("condor: job ended", {{"claim", fmt::format("{}", claim)},
                                  {"verdict", std::string(to_string(outcome.verdict))},
                                  {"slug", outcome.slug}});
  job->finish(outcome, std::move(done));
}

void HtcondorScheduler::deactivated(ClaimId claim) {
  Held* held = this->held(claim);
  if (!held) return;
  const std::unique_ptr<ShadowJob> job = std::move(held->job);
  const Clock::time_point taken = held->taken;
  slots_->set_activity(claim, SlotActivity::idle, unix_now());
  if (Claim* slot = slots_->find(claim)) {
    slot->use.job_started = 0;
    slot->use.job_id.clear();
    slot->use.global_job_id.clear();
  }
  const bool again = !draining() && (!job || !job->given_back());
  answer_waiting(*held, {.start = again});
  report_soon();
  if (!again) end_claim(claim, Parting::tell_schedd);
  if (!job) return;
  if (job->failed_here()) return job_failed_here(taken, *job->failed_here());
  if (!job->given_back()) patience_.succeeded(taken);
}

void HtcondorScheduler::answer_waiting(Held& held, DeactivateReply reply) {
  held.cleaning.reset();
  for (const auto& waiting : std::exchange(held.waiting, {})) waiting(reply);
}

// A fault of this pod, of the network or of a registry: others' jobs would fare no better.
void HtcondorScheduler::job_failed_here(Clock::time_point taken, const std::string& why) {
  if (!patience_.failed(taken, Clock::now())) return;
  if (patience_.exhausted()) {
    log::error("condor: three jobs in a row could not run here: taking no more", {{"error", why}});
    return port_->drain();
  }
  const auto pause = patience_.until() - Clock::now();
  log::warning(
      "condor: taking no job for a while",
      {{"seconds", fmt::format("{}", std::chrono::ceil<std::chrono::seconds>(pause).count())},
       {"error", why}});
  patience_timer_ = poller_.at(patience_.until(), [this] { report_soon(); });
  report_soon();
}

void HtcondorScheduler::abandon(ClaimId claim) {
  if (ShadowJob* job = job_of(claim)) job->abandon();
}

// --- how claims end ---

void HtcondorScheduler::stop_job(ClaimId claim, VacateSpeed speed) {
  if (!job_of(claim)) {
    return end_claim(claim, Parting::tell_schedd);
  }
  slots_->set_activity(claim, SlotActivity::vacating, unix_now());
  if (speed == VacateSpeed::soft)
    port_->deactivate(claim, Deactivation::soft, settings_.vacate_time);
  else
    port_->deactivate(claim, Deactivation::hard, {});
  report_soon();
}

// Without a shadow nobody takes the job's end: it stops, and the schedd decides about the claim.
void HtcondorScheduler::shadow_left(ClaimId claim) {
  port_->deactivate(claim, Deactivation::hard, {});
}

void HtcondorScheduler::release(ClaimId claim) {
  const Claim* slot = slots_ ? slots_->find(claim) : nullptr;
  if (slot) tell_released(*slot);
  forget(claim);
}

void HtcondorScheduler::tell_released(const Claim& claim) {
  if (!courier_) return;
  courier_->run([this, schedd = claim.schedd, claim_id = claim.claim_id]() -> Worker::Task {
    const Result<void> told =
        send_release(security_, schedd, claim_id, Deadline::after(kTalk), stop_->fd());
    if (!told)
      log::warning("condor: cannot tell a schedd that its claim is over",
                   {{"error", told.error().text}});
    return nullptr;
  });
}

// A pilot of this journal was killed: its schedds still count on it.
void HtcondorScheduler::release_orphans() {
  courier_->run([this]() -> Worker::Task {
    const Result<std::vector<ClaimJournal::Orphan>> orphans = journal_->orphans();
    if (!orphans) {
      log::warning("condor: cannot read the journal of claims", {{"error", orphans.error().text}});
      return nullptr;
    }
    for (const ClaimJournal::Orphan& orphan : *orphans) {
      const Result<void> told = send_release(security_, orphan.schedd, orphan.claim_id,
                                             Deadline::after(kTalk), stop_->fd());
      if (told) journal_->settle(orphan);
      log::info("condor: a pilot before this one was killed with a claim",
                {{"schedd", brief(orphan.schedd)}, {"released", told ? "yes" : told.error().text}});
    }
    return nullptr;
  });
}

// The pilot ends what runs on it; the slot is free at once, as nobody can claim it before that:
// the pilot's own room counts.
void HtcondorScheduler::end_claim(ClaimId claim, Parting parting) {
  const Claim* slot = slots_->find(claim);
  if (!slot) return;
  if (parting == Parting::tell_schedd) tell_released(*slot);
  if (ShadowJob* job = job_of(claim)) job->dismiss();
  forget(claim);
  loop_->leave([this, claim] { port_->release(claim); });
}

void HtcondorScheduler::forget(ClaimId claim) {
  if (Held* held = this->held(claim)) answer_waiting(*held, {.start = false});
  held_.erase(claim);
  journal_->remove(claim);
  slots_->end(claim, unix_now());
  report_soon();
  drained();
}

}  // namespace podpilot::agent::htcondor
