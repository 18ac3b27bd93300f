// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/shadow_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/dialogue/shadow.h"
#include "agent/scheduler/htcondor/dialogue/transfer.h"
#include "agent/scheduler/htcondor/slot/docker_login.h"
#include "agent/scheduler/htcondor/slot/report.h"
#include "sandbox/base/io.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::chrono::seconds kDial{30};
constexpr std::size_t kMaxOutputs = 1'000'000;

// Attributes that condor_history and event 005 read. `run`: since the payload began.
void put_consumption(Ad& ad, const Usage& usage, std::chrono::duration<double> run) {
  const Consumption used = consumption_of(usage);
  ad.set("RemoteUserCpu", used.user_cpu);
  ad.set("RemoteSysCpu", used.system_cpu);
  ad.set("ImageSize", used.memory);
  ad.set("ResidentSetSize", used.memory);
  [[maybe_unused]] const auto set =
      ad.set_expression("MemoryUsage", "((ResidentSetSize + 1023) / 1024)");
  if (used.disk != 0) ad.set("DiskUsage", used.disk);
  if (run.count() > 0) ad.set("CpusUsage", (used.user_cpu + used.system_cpu) / run.count());
}

// Of an update a shadow keeps what it knows and what CHIRP_DELAYED_UPDATE_PREFIX names: Chirp*.
void put_image(Ad& ad, const ImageUse& image) {
  if (image.digest.empty()) return;
  ad.set("ChirpContainerImageDigest", image.digest);
  ad.set("ChirpContainerImagePullTime", std::chrono::duration<double>(image.pull_time).count());
}

const char* state_of(bool suspended) {
  return suspended ? "Suspended" : "Running";
}

// What the slot has of each resource: the job's own ad tells of the slot before.
Ad provisioned(const Ad& machine) {
  Ad ad;
  const std::string resources = machine.string("MachineResources").value_or("");
  for (const std::string_view resource : split(resources, ' '))
    if (const auto amount = machine.expression(resource)) [[maybe_unused]]
      const auto set = ad.set_expression(fmt::format("{}Provisioned", resource), *amount);
  ad.set("ProvisionedResources", resources);
  return ad;
}

}  // namespace

// What the thread knows. The loop reads it only where no work is under way.
struct ShadowJob::Talk {
  Talk(Security& security_, ShadowSetting setting_)
      : security(security_), setting(std::move(setting_)) {}

  Security& security;
  ShadowSetting setting;
  std::optional<Shadow> shadow;
  CondorJob job;
  std::string transfer_key;
  std::optional<Sinful> transfer_address;
  std::optional<Session> transfer_session;
  oci::Secret login;
  ImageUse image;
  Catalog before;
  std::optional<Reason> hold;        // what the shadow must hear instead of the outcome
  std::optional<std::string> retry;  // why the job must go back to the queue
  std::int64_t begun = 0;            // Unix time; 0: the payload did not run
  bool told_ended = false;
  std::uint64_t received = 0;  // bytes of inputs
  std::uint64_t sent = 0;      // bytes of outputs
  std::vector<std::string> spooled;

  Result<void> learn();
  Result<void> bring_inputs(BorrowedFd folder, BorrowedFd stop);
  Result<void> send_outputs(BorrowedFd folder, SendOutputs which, BorrowedFd stop);
  Result<void> finish(const Outcome& outcome);

 private:
  Result<void> fetch_login();
  Result<Stream> open_transfer(Command command, BorrowedFd stop);
  Result<void> judge(const TransferOutcome& outcome);
  void tell_execution_ended();
  OutputWish output_wish() const;
};

// --- on the thread ---

Result<void> ShadowJob::Talk::learn() {
  const Ad ad = TRY(shadow->job_info());
  TRY(shadow->register_starter(setting.starter));
  const SessionInfo sessions = TRY(shadow->session_info());
  const ExportedSession& transfer = sessions.transfer;
  TRY(shadow->update(provisioned(setting.machine)));
  transfer_session = TRY(session_of_exported(transfer.id, transfer.info, transfer.key.reveal()));
  transfer_key = ad.string("TransferKey").value_or("");
  if (const auto socket = ad.string("TransferSocket"))
    transfer_address = TRY(parse_sinful(*socket).within("TransferSocket"));
  std::expected<CondorJob, Reason> read = read_job(ad, setting.job);
  if (!read) {
    hold = read.error();
    return Error{Fault::invalid, read.error().text};
  }
  job = *std::move(read);
  job.description.join_outputs = job.joined;
  job.description.stop_signal = job.kill_signal;
  job.description.stop_grace = job.vacate_time;
  if (job.sends_login) TRY(fetch_login());
  return {};
}

// As HTCondor's own starter has it: a job whose owner's login cannot be had is held.
Result<void> ShadowJob::Talk::fetch_login() {
  const Result<Ad> ad = shadow->docker_credentials();
  if (!ad && ad.error().fault != Fault::denied) return ad.error();
  Result<oci::Secret> config = ad ? docker_config(*ad) : ad.error();
  if (config) {
    login = *std::move(config);
    return {};
  }
  hold = Reason{HoldCode::invalid_docker_image, EACCES,
                fmt::format("docker_send_credentials: {} (image-denied)", config.error().text)};
  return Error{Fault::invalid, hold->text};
}

Result<Stream> ShadowJob::Talk::open_transfer(Command command, BorrowedFd stop) {
  if (!transfer_address || !transfer_session)
    return Error{Fault::transient, "the shadow names no place for files"};
  return security.command(*transfer_address, command, *transfer_session, Deadline::after(kDial),
                          stop);
}

Result<void> ShadowJob::Talk::judge(const TransferOutcome& outcome) {
  switch (outcome.verdict) {
    case TransferVerdict::done:
      return {};
    case TransferVerdict::hold:
      hold = outcome.why;
      return Error{Fault::not_found, outcome.why.text};
    case TransferVerdict::retry:
    case TransferVerdict::refused:
      break;
  }
  retry = outcome.why.text;
  return Error{Fault::transient, outcome.why.text};
}

Result<void> ShadowJob::Talk::bring_inputs(BorrowedFd folder, BorrowedFd stop) {
  Stream stream = TRY(open_transfer(Command::filetrans_upload, stop).within("file transfer"));
  TransferLimits limits;
  if (setting.job.resources.disk != 0) limits.bytes = setting.job.resources.disk;
  const TransferOutcome outcome =
      receive_files(stream, transfer_key, folder, job.executable, limits);
  received = outcome.bytes;
  TRY(judge(outcome));
  const Ad ad = TRY(shadow->job_info());
  TRY(replace_file_at(folder, std::string(kJobAdFile), format_ad(ad), 0644, Durable::no));
  TRY(replace_file_at(folder, std::string(kMachineAdFile), format_ad(setting.machine), 0644,
                      Durable::no));
  before = TRY(take_catalog(folder));
  return {};
}

OutputWish ShadowJob::Talk::output_wish() const {
  return {.list = job.outputs,
          .preserve_relative_paths = job.preserve_relative_paths,
          .stdout_path = job.sends_stdout ? kStdoutFile : "",
          .stderr_path = job.sends_stderr && !job.joined ? kStderrFile : "",
          .not_output = {job.executable, std::string(kJobAdFile), std::string(kMachineAdFile),
                         kStdoutFile, kStderrFile}};
}

// A channel that is lost speaks up with the next call.
void ShadowJob::Talk::tell_execution_ended() {
  if (begun == 0 || std::exchange(told_ended, true)) return;
  [[maybe_unused]] const auto told = shadow->execution_ended();
}

Result<void> ShadowJob::Talk::send_outputs(BorrowedFd folder, SendOutputs which, BorrowedFd stop) {
  tell_execution_ended();
  if (job.when == WhenOutput::never || hold || retry) return {};
  // A job that must succeed says by its stdout and stderr why it did not.
  const bool streams_only = which == SendOutputs::failed;
  if (streams_only && !job.description.success_exit_code) return {};
  if (which == SendOutputs::evicted && job.when != WhenOutput::on_exit_or_evict) return {};
  OutputWish wish = output_wish();
  if (streams_only) wish.list.emplace();
  const OutgoingFiles files = TRY(outgoing_files(folder, wish, before, kMaxOutputs));
  Stream stream = TRY(open_transfer(Command::filetrans_download, stop).within("file transfer"));
  const TransferOutcome outcome = send_files(
      stream, transfer_key, folder, files,
      which == SendOutputs::evicted ? TransferKind::intermediate : TransferKind::final, {});
  sent = outcome.bytes;
  spooled = outcome.top_level;
  return judge(outcome);
}

Result<void> ShadowJob::Talk::finish(const Outcome& outcome) {
  tell_execution_ended();
  Ad ad;
  // A shadow counts a start for a JobState, and for job_exit (condor_shadow.V6.1/pseudo_ops.cpp).
  if (begun != 0) ad.set("JobState", "Exited");
  ad.set("NumPids", 0);
  put_consumption(ad, outcome.usage, outcome.times.run);
  ad.set("BytesSent", static_cast<double>(sent));
  ad.set("BytesRecvd", static_cast<double>(received));
  put_image(ad, {.digest = outcome.image_digest, .pull_time = outcome.times.pull});
  if (begun != 0) ad.set("JobStartDate", begun);
  ad.set("JobDuration", std::chrono::duration<double>(outcome.times.run).count());

  const JobEnd end = end_of(outcome);
  if (!hold && std::holds_alternative<Reason>(end)) hold = std::get<Reason>(end);
  if (hold) {
    [[maybe_unused]] const auto told = shadow->update(ad);
    return shadow->hold(*hold, setting.job.slot_name);
  }
  if (!retry && std::holds_alternative<Requeued>(end)) retry = std::get<Requeued>(end).reason;
  if (retry && begun == 0)
    return shadow->hold({HoldCode::job_should_requeue, 0, *retry}, setting.job.slot_name);
  if (retry) {
    ad.set("VacateReason", *retry);
    ad.set("VacateReasonCode", static_cast<int>(HoldCode::job_should_requeue));
    ad.set("VacateReasonSubCode", 0);
    // Not ExitReason::killed: schedds take that for the end of a job that was removed.
    return shadow->exit(outcome.exit ? outcome.exit->wait_status() : SIGKILL,
                        ExitReason::should_requeue, ad);
  }
  const ExitStatus& exit = *outcome.exit;
  ad.set("ExitBySignal", exit.signal != 0);
  if (exit.signal != 0)
    ad.set("ExitSignal", exit.signal);
  else
    ad.set("ExitCode", exit.code);
  ad.set("JobCoreDumped", exit.core_dumped);
  if (!spooled.empty()) ad.set("SpooledOutputFiles", fmt::format("{}", fmt::join(spooled, ",")));
  TRY(shadow->update(ad));
  return shadow->exit(exit.wait_status(),
                      exit.core_dumped ? ExitReason::core_dumped : ExitReason::exited, ad);
}

// --- on the loop ---

ShadowJob::ShadowJob(Poller& poller, std::function<void()> left)
    : poller_(poller), left_(std::move(left)) {}

Result<std::unique_ptr<ShadowJob>> ShadowJob::create(Poller& poller, Security& security,
                                                     ShadowSetting setting,
                                                     std::function<void()> left) {
  std::unique_ptr<ShadowJob> job(new ShadowJob(poller, std::move(left)));
  job->talk_ = std::make_shared<Talk>(security, std::move(setting));
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

void ShadowJob::run(std::function<Result<void>(Talk&)> work, Done then) {
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
    talk_->shadow.emplace(*std::move(*channel_));
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
    return run([error = channel_->error()](Talk&) -> Result<void> { return error; },
               [done = std::move(done)](Result<void> failed) { done(failed.error()); });
  run([](Talk& talk) { return talk.learn(); },
      [this, done = std::move(done)](Result<void> learnt) {
        if (!learnt) return done(learnt.error());
        JobDescription description = talk_->job.description;
        description.registry_login = std::exchange(talk_->login, {});
        done(std::move(description));
      });
}

void ShadowJob::bring_inputs(UniqueFd folder, Done done) {
  run([folder = std::make_shared<UniqueFd>(std::move(folder)),
       stop = transfer_](Talk& talk) { return talk.bring_inputs(*folder, stop->fd()); },
      std::move(done));
}

void ShadowJob::executing(const ImageUse& image) {
  if (dismissed_) return;
  run(
      [image](Talk& talk) {
        talk.image = image;
        talk.begun = static_cast<std::int64_t>(std::time(nullptr));
        return talk.shadow->begin_execution();
      },
      [this](Result<void> begun) {
        if (!begun) channel_lost(begun.error());
      });
}

void ShadowJob::usage(const Usage& usage) {
  if (dismissed_ || std::exchange(reporting_, true)) return;
  run(
      [usage, suspended = suspended_](Talk& talk) {
        Ad ad;
        ad.set("JobState", state_of(suspended));
        put_consumption(ad, usage, std::chrono::seconds(std::time(nullptr) - talk.begun));
        put_image(ad, talk.image);
        ad.set("JobStartDate", talk.begun);
        return talk.shadow->update(ad);
      },
      [this](Result<void> told) {
        reporting_ = false;
        if (!told && told.error().fault != Fault::denied) channel_lost(told.error());
      });
}

void ShadowJob::suspended(bool on) {
  suspended_ = on;
  if (dismissed_) return;
  run(
      [on](Talk& talk) {
        Ad ad;
        ad.set("JobState", state_of(on));
        return talk.shadow->update(ad);
      },
      [this](Result<void> told) {
        if (!told && told.error().fault != Fault::denied) channel_lost(told.error());
      });
}

void ShadowJob::send_outputs(UniqueFd folder, SendOutputs which, Done done) {
  if (dismissed_ && which != SendOutputs::evicted)
    return run([](Talk&) -> Result<void> { return {}; }, std::move(done));
  run([folder = std::make_shared<UniqueFd>(std::move(folder)), which,
       stop = transfer_](Talk& talk) { return talk.send_outputs(*folder, which, stop->fd()); },
      std::move(done));
}

void ShadowJob::finish(const Outcome& outcome, Done done) {
  hangup_.reset();  // from here on a shadow may go
  if (dismissed_ || !socket_) return run([](Talk&) -> Result<void> { return {}; }, std::move(done));
  run([outcome](Talk& talk) { return talk.finish(outcome); },
      [this, stopped = outcome.origin == Origin::payload,
       done = std::move(done)](Result<void> told) {
        dismissed_ = true;
        given_back_ = talk_->retry.has_value();
        if (!stopped) failed_here_ = talk_->retry;
        done(std::move(told));
      });
}

void ShadowJob::abandon() {
  transfer_->raise();
  // Without a new one what follows is stopped as well, which ends the job all the same.
  if (auto next = Stop::create()) transfer_ = *std::move(next);
}

}  // namespace podpilot::agent::htcondor
