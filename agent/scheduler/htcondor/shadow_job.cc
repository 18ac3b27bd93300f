// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/shadow_job.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "sandbox/base/log.h"

namespace podpilot::agent::htcondor {

ShadowJob::ShadowJob(Poller& poller, std::function<void()> left)
    : poller_(poller), left_(std::move(left)) {}

Result<std::unique_ptr<ShadowJob>> ShadowJob::create(Poller& poller, Security& security,
                                                     ShadowSetting setting,
                                                     std::function<void()> left) {
  std::unique_ptr<ShadowJob> job(new ShadowJob(poller, std::move(left)));
  job->talk_ = std::make_shared<ShadowTalk>(security, std::move(setting));
  job->transfer_ = TRY(Stop::create());
  job->worker_ = TRY(Worker::create(poller));
  return job;
}

// What blocks on the channel or in a transfer comes back at once.
ShadowJob::~ShadowJob() {
  transfer_->raise();
  hangup_.reset();
  if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
}

void ShadowJob::run(std::function<Result<void>(ShadowTalk&)> work, Done then) {
  worker_->run([talk = talk_, stop = transfer_, work = std::move(work),
                then = std::move(then)]() -> Worker::Task {
    return [stop, then, result = work(*talk)] {
      if (!stop->raised() && then) then(result);
    };
  });
}

void ShadowJob::attach(Result<Stream> channel) {
  channel_ = std::move(channel);
  if (*channel_) {
    socket_ = (*channel_)->socket();
    talk_->attach(*std::move(*channel_));
    watch();
  }
  if (describe_) describe(std::exchange(describe_, nullptr));
}

// The shadow says nothing unasked: what becomes readable between two calls is its end.
void ShadowJob::watch() {
  hangup_ = poller_.watch(socket_, POLLRDHUP, [this](short) {
    hangup_.reset();
    channel_lost({Fault::transient, "the shadow closed the connection"});
  });
}

void ShadowJob::channel_lost(const Error& error) {
  if (std::exchange(dismissed_, true)) return;
  log::warning("condor: lost a job's shadow", {{"error", error.text}});
  left_();
}

void ShadowJob::describe(std::function<void(Result<JobDescription>)> done) {
  if (!channel_) {
    describe_ = std::move(done);
    return;
  }
  if (!*channel_)
    return run([error = channel_->error()](ShadowTalk&) -> Result<void> { return error; },
               [done = std::move(done)](Result<void> failed) { done(failed.error()); });
  const auto description = std::make_shared<JobDescription>();
  run(
      [description](ShadowTalk& talk) -> Result<void> {
        *description = TRY(talk.learn());
        return {};
      },
      [description, done = std::move(done)](Result<void> learnt) {
        if (!learnt) return done(learnt.error());
        done(std::move(*description));
      });
}

void ShadowJob::bring_inputs(UniqueFd folder, Done done) {
  run([folder = std::make_shared<UniqueFd>(std::move(folder)),
       stop = transfer_](ShadowTalk& talk) { return talk.bring_inputs(*folder, stop->fd()); },
      std::move(done));
}

void ShadowJob::executing(const ImageUse& image) {
  if (dismissed_) return;
  run([image](ShadowTalk& talk) { return talk.begin(image); },
      [this](Result<void> begun) {
        if (!begun) channel_lost(begun.error());
      });
  begun_ = true;
  if (suspended_) suspended(true);
}

void ShadowJob::usage(const Usage& usage) {
  if (dismissed_ || std::exchange(reporting_, true)) return;
  run([usage, suspended = suspended_](ShadowTalk& talk) { return talk.report(usage, suspended); },
      [this](const Result<void>& told) {
        reporting_ = false;
        updated(told);
      });
}

void ShadowJob::suspended(bool on) {
  suspended_ = on;
  if (dismissed_ || !begun_) return;
  run([on](ShadowTalk& talk) { return talk.suspended(on); },
      [this](const Result<void>& told) { updated(told); });
}

// A shadow may refuse an update; the job goes on.
void ShadowJob::updated(const Result<void>& told) {
  if (!told && told.error().fault != Fault::denied) channel_lost(told.error());
}

void ShadowJob::send_outputs(UniqueFd folder, SendOutputs which, Done done) {
  if (dismissed_ && which != SendOutputs::evicted)
    return run([](ShadowTalk&) -> Result<void> { return {}; }, std::move(done));
  run([folder = std::make_shared<UniqueFd>(std::move(folder)), which, stop = transfer_](
          ShadowTalk& talk) { return talk.send_outputs(*folder, which, stop->fd()); },
      std::move(done));
}

void ShadowJob::finish(const Outcome& outcome, Done done) {
  hangup_.reset();  // from here on a shadow may go
  if (dismissed_ || !socket_)
    return run([](ShadowTalk&) -> Result<void> { return {}; }, std::move(done));
  run([outcome](ShadowTalk& talk) { return talk.finish(outcome); },
      [this, stopped = outcome.origin == Origin::payload,
       done = std::move(done)](Result<void> told) {
        dismissed_ = true;
        given_back_ = talk_->retry().has_value();
        if (!stopped) failed_here_ = talk_->retry();
        done(std::move(told));
      });
}

void ShadowJob::abandon() {
  transfer_->raise();
  // Without a new one what follows is stopped as well, which ends the job all the same.
  if (auto next = Stop::create()) transfer_ = *std::move(next);
}

}  // namespace podpilot::agent::htcondor
