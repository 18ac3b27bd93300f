// SPDX-License-Identifier: Apache-2.0
// What the pilot asks of the spool for a job that it holds.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/scheduler/spool/policy.h"
#include "agent/scheduler/spool/spool_scheduler.h"
#include "sandbox/base/log.h"

namespace podpilot::agent {

using spool::Published;

namespace {

constexpr std::chrono::seconds kRetryPublish{2};
constexpr std::chrono::minutes kPublishFor{10};

Error no_claim(ClaimId claim) {
  return {Fault::internal, fmt::format("the spool has no claim {}", claim)};
}

// Tasks of the mover are copied.
Result<std::shared_ptr<UniqueFd>> shared(BorrowedFd folder) {
  UniqueFd fd = TRY(duplicate(folder));
  return std::make_shared<UniqueFd>(std::move(fd));
}

bool ended_well(const Outcome& outcome) {
  return outcome.verdict == Verdict::done && outcome.exit && outcome.exit->shell_code() == 0;
}

// What the engine cannot know: a submitter that took the job back, outputs that are not there.
Outcome amended(Outcome outcome, bool cancelled, const std::vector<std::string>& missing) {
  if (cancelled) {
    const Outcome why = spool::cancelled();
    outcome.verdict = why.verdict;
    outcome.slug = why.slug;
    outcome.origin = why.origin;
    outcome.text = why.text;
    return outcome;
  }
  if (missing.empty() || !ended_well(outcome)) return outcome;
  const Judgement& judgement = judge(Origin::payload, Fault::corrupt);
  outcome.verdict = judgement.verdict;
  outcome.slug = judgement.slug;
  outcome.origin = Origin::payload;
  outcome.text = fmt::format("output {}", fmt::join(missing, "; "));
  return outcome;
}

}  // namespace

void SpoolScheduler::describe(ClaimId claim, std::function<void(Result<JobDescription>)> done) {
  later([this, claim, done = std::move(done)] {
    const Job* job = find(claim);
    if (!job) return done(no_claim(claim));
    if (!job->taken.job) return done(job->taken.job.error());
    JobDescription description = job->taken.job->description;
    if (description.name.empty()) description.name = job->taken.ticket.job;
    done(std::move(description));
  });
}

void SpoolScheduler::bring_inputs(ClaimId claim, BorrowedFd folder, Done done) {
  Job* job = find(claim);
  const Result<std::shared_ptr<UniqueFd>> target = shared(folder);
  if (!job || !target)
    return later(
        [done = std::move(done), error = job ? target.error() : no_claim(claim)] { done(error); });
  mover_->run([this, claim, spool = folder_, id = job->taken.ticket.job, target = *target,
               stop = job->transfer.get_token(), done = std::move(done)]() -> Worker::Task {
    return [this, claim, stop, done, result = spool::bring_inputs(*spool, id, *target, stop)] {
      if (find(claim) && !stop.stop_requested()) done(result);
    };
  });
}

void SpoolScheduler::executing(ClaimId claim, const ImageUse&) {
  if (const Job* job = find(claim)) log::debug("spool: runs", {{"job", job->taken.ticket.job}});
}

// Leases say that a pilot lives, no more; what a job used is told at its end.
void SpoolScheduler::usage(ClaimId, const Usage&) {}

void SpoolScheduler::send_outputs(ClaimId claim, BorrowedFd folder, SendOutputs which, Done done) {
  Job* job = find(claim);
  const Result<std::shared_ptr<UniqueFd>> source = shared(folder);
  if (!job || !source)
    return later(
        [done = std::move(done), error = job ? source.error() : no_claim(claim)] { done(error); });
  // An evicted job starts afresh elsewhere: nothing of it is needed.
  if (which == SendOutputs::evicted || !job->taken.job)
    return later([done = std::move(done)] { done({}); });
  mover_->run([this, claim, which, spool = folder_, ticket = job->taken.ticket, source = *source,
               outputs = job->taken.job->description.outputs, stop = job->transfer.get_token(),
               done = std::move(done)]() -> Worker::Task {
    Result<spool::Sent> sent = spool::send_outputs(*spool, ticket, *source, outputs, stop);
    return [this, claim, which, stop, done, sent = std::move(sent)] {
      Job* held = find(claim);
      if (!held || stop.stop_requested()) return;
      if (!sent) return done(Error(sent.error()).within("outputs"));
      held->sent = *sent;
      if (which == SendOutputs::failed) held->sent.missing.clear();
      done({});
    };
  });
}

void SpoolScheduler::finish(ClaimId claim, const Outcome& outcome, Done done) {
  Job* job = find(claim);
  if (!job) return later([done = std::move(done), error = no_claim(claim)] { done(error); });
  job->publish_by = Clock::now() + kPublishFor;
  publish(claim, *job, amended(outcome, job->cancelled, job->sent.missing), std::move(done));
}

void SpoolScheduler::publish(ClaimId claim, Job& job, const Outcome& outcome, Done done) {
  spool::AttemptResult result{
      .outcome = outcome, .wait = job.taken.wait, .pilot = pilot_, .skipped = job.sent.skipped};
  const unsigned retries = job.taken.job ? job.taken.job->retries : 0;
  keeper_->run([this, claim, retries, outcome, spool = folder_, ticket = job.taken.ticket,
                result = std::move(result), done = std::move(done),
                stop = job.transfer.get_token()]() -> Worker::Task {
    return [this, claim, outcome, stop, done = Done([stop, done](Result<void> end) {
                                          if (!stop.stop_requested()) done(std::move(end));
                                        }),
            end = spool::publish(*spool, ticket, retries, result)] {
      published(claim, outcome, end, done);
    };
  });
}

void SpoolScheduler::published(ClaimId claim, const Outcome& outcome,
                               const Result<Published>& result, const Done& done) {
  Job* job = find(claim);
  if (!job) return;
  if (!result && Clock::now() < job->publish_by) {
    log::warning("spool: cannot publish a result, trying again",
                 {{"job", job->taken.ticket.job}, {"error", result.error().text}});
    job->retry = poller_.after(kRetryPublish, [this, claim, outcome, done] {
      if (Job* held = find(claim)) publish(claim, *held, outcome, done);
    });
    return;
  }
  if (result && *result == Published::lost) return lose(claim);
  job->published = true;
  if (result)
    log::info("spool: job ended",
              {{"job", job->taken.ticket.job},
               {"state", *result == Published::done ? std::string(to_string(outcome.verdict))
                                                    : "queued again"},
               {"slug", outcome.slug}});
  done(result ? Result<void>() : result.error());
  job = find(claim);
  if (job && job->cleaned) end_claim(claim);
}

void SpoolScheduler::deactivated(ClaimId claim) {
  Job* job = find(claim);
  if (!job) return;
  job->cleaned = true;
  if (job->published) end_claim(claim);
}

void SpoolScheduler::abandon(ClaimId claim) {
  Job* job = find(claim);
  if (!job) return;
  job->transfer.request_stop();
  job->transfer = std::stop_source();
}

void SpoolScheduler::release(ClaimId claim) {
  Job* job = find(claim);
  if (!job) return;
  job->transfer.request_stop();
  if (!job->published) give_back(job->taken.ticket);
  jobs_.erase(claim);
  look_after(Clock::duration::zero());
}

}  // namespace podpilot::agent
