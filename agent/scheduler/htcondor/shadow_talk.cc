// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/shadow_talk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <csignal>
#include <ctime>

#include "agent/scheduler/htcondor/classad/text.h"
#include "agent/scheduler/htcondor/slot/docker_login.h"
#include "agent/scheduler/htcondor/slot/report.h"
#include "sandbox/base/io.h"
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

Result<JobDescription> ShadowTalk::learn() {
  const Ad ad = TRY(shadow_->job_info());
  TRY(shadow_->register_starter(setting_.starter));
  const SessionInfo sessions = TRY(shadow_->session_info());
  const ExportedSession& transfer = sessions.transfer;
  TRY(shadow_->update(provisioned(setting_.machine)));
  transfer_session_ = TRY(session_of_exported(transfer.id, transfer.info, transfer.key.reveal()));
  transfer_key_ = ad.string("TransferKey").value_or("");
  if (const auto socket = ad.string("TransferSocket"))
    transfer_address_ = TRY(parse_sinful(*socket).within("TransferSocket"));
  std::expected<CondorJob, Reason> read = read_job(ad, setting_.job);
  if (!read) {
    hold_ = read.error();
    return Error{Fault::invalid, read.error().text};
  }
  job_ = *std::move(read);
  job_.description.join_outputs = job_.joined;
  job_.description.stop_signal = job_.kill_signal;
  job_.description.stop_grace = job_.vacate_time;
  JobDescription description = job_.description;
  if (job_.sends_login) description.registry_login = TRY(fetch_login());
  return description;
}

// As HTCondor's own starter has it: a job whose owner's login cannot be had is held.
Result<oci::Secret> ShadowTalk::fetch_login() {
  const Result<Ad> ad = shadow_->docker_credentials();
  if (!ad && ad.error().fault != Fault::denied) return ad.error();
  Result<oci::Secret> config = ad ? docker_config(*ad) : ad.error();
  if (config) return config;
  hold_ = Reason{HoldCode::invalid_docker_image, EACCES,
                 fmt::format("docker_send_credentials: {} (image-denied)", config.error().text)};
  return Error{Fault::invalid, hold_->text};
}

Result<Stream> ShadowTalk::open_transfer(Command command, BorrowedFd stop) {
  if (!transfer_address_ || !transfer_session_)
    return Error{Fault::transient, "the shadow names no place for files"};
  return security_.command(*transfer_address_, command, *transfer_session_, Deadline::after(kDial),
                           stop);
}

Result<void> ShadowTalk::judge(const TransferOutcome& outcome) {
  switch (outcome.verdict) {
    case TransferVerdict::done:
      return {};
    case TransferVerdict::hold:
      hold_ = outcome.why;
      return Error{Fault::not_found, outcome.why.text};
    case TransferVerdict::retry:
    case TransferVerdict::refused:
      break;
  }
  retry_ = outcome.why.text;
  return Error{Fault::transient, outcome.why.text};
}

Result<void> ShadowTalk::bring_inputs(BorrowedFd folder, BorrowedFd stop) {
  Stream stream = TRY(open_transfer(Command::filetrans_upload, stop).within("file transfer"));
  TransferLimits limits;
  if (setting_.job.resources.disk != 0) limits.bytes = setting_.job.resources.disk;
  const TransferOutcome outcome =
      receive_files(stream, transfer_key_, folder, job_.executable, limits);
  received_ = outcome.bytes;
  TRY(judge(outcome));
  const Ad ad = TRY(shadow_->job_info());
  TRY(replace_file_at(folder, std::string(kJobAdFile), format_ad(ad), 0644, Durable::no));
  TRY(replace_file_at(folder, std::string(kMachineAdFile), format_ad(setting_.machine), 0644,
                      Durable::no));
  before_ = TRY(take_catalog(folder));
  return {};
}

Result<void> ShadowTalk::begin(const ImageUse& image) {
  image_ = image;
  begun_ = static_cast<std::int64_t>(std::time(nullptr));
  return shadow_->begin_execution();
}

Result<void> ShadowTalk::report(const Usage& usage, bool suspended) {
  Ad ad;
  ad.set("JobState", state_of(suspended));
  put_consumption(ad, usage, std::chrono::seconds(std::time(nullptr) - begun_));
  put_image(ad, image_);
  ad.set("JobStartDate", begun_);
  return shadow_->update(ad);
}

Result<void> ShadowTalk::suspended(bool on) {
  Ad ad;
  ad.set("JobState", state_of(on));
  return shadow_->update(ad);
}

OutputWish ShadowTalk::output_wish() const {
  return {.list = job_.outputs,
          .preserve_relative_paths = job_.preserve_relative_paths,
          .stdout_path = job_.sends_stdout ? kStdoutFile : "",
          .stderr_path = job_.sends_stderr && !job_.joined ? kStderrFile : "",
          .not_output = {job_.executable, std::string(kJobAdFile), std::string(kMachineAdFile),
                         kStdoutFile, kStderrFile}};
}

// A channel that is lost speaks up with the next call.
void ShadowTalk::tell_execution_ended() {
  if (begun_ == 0 || std::exchange(told_ended_, true)) return;
  [[maybe_unused]] const auto told = shadow_->execution_ended();
}

Result<void> ShadowTalk::send_outputs(BorrowedFd folder, SendOutputs which, BorrowedFd stop) {
  tell_execution_ended();
  if (job_.when == WhenOutput::never || hold_ || retry_) return {};
  // A job that must succeed says by its stdout and stderr why it did not.
  const bool streams_only = which == SendOutputs::failed;
  if (streams_only && !job_.description.success_exit_code) return {};
  if (which == SendOutputs::evicted && job_.when != WhenOutput::on_exit_or_evict) return {};
  OutputWish wish = output_wish();
  if (streams_only) wish.list.emplace();
  const OutgoingFiles files = TRY(outgoing_files(folder, wish, before_, kMaxOutputs));
  Stream stream = TRY(open_transfer(Command::filetrans_download, stop).within("file transfer"));
  const TransferOutcome outcome = send_files(
      stream, transfer_key_, folder, files,
      which == SendOutputs::evicted ? TransferKind::intermediate : TransferKind::final, {});
  sent_ = outcome.bytes;
  spooled_ = outcome.top_level;
  return judge(outcome);
}

Result<void> ShadowTalk::finish(const Outcome& outcome) {
  tell_execution_ended();
  Ad ad;
  // A shadow counts a start for a JobState, and for job_exit (condor_shadow.V6.1/pseudo_ops.cpp).
  if (begun_ != 0) ad.set("JobState", "Exited");
  ad.set("NumPids", 0);
  put_consumption(ad, outcome.usage, outcome.times.run);
  ad.set("BytesSent", static_cast<double>(sent_));
  ad.set("BytesRecvd", static_cast<double>(received_));
  put_image(ad, {.digest = outcome.image_digest, .pull_time = outcome.times.pull});
  if (begun_ != 0) ad.set("JobStartDate", begun_);
  ad.set("JobDuration", std::chrono::duration<double>(outcome.times.run).count());

  const JobEnd end = end_of(outcome);
  if (!hold_ && std::holds_alternative<Reason>(end)) hold_ = std::get<Reason>(end);
  if (hold_) {
    [[maybe_unused]] const auto told = shadow_->update(ad);
    return shadow_->hold(*hold_, setting_.job.slot_name);
  }
  if (!retry_ && std::holds_alternative<Requeued>(end)) retry_ = std::get<Requeued>(end).reason;
  if (retry_ && begun_ == 0)
    return shadow_->hold({HoldCode::job_should_requeue, 0, *retry_}, setting_.job.slot_name);
  if (retry_) {
    ad.set("VacateReason", *retry_);
    ad.set("VacateReasonCode", static_cast<int>(HoldCode::job_should_requeue));
    ad.set("VacateReasonSubCode", 0);
    // Not ExitReason::killed: schedds take that for the end of a job that was removed.
    return shadow_->exit(outcome.exit ? outcome.exit->wait_status() : SIGKILL,
                         ExitReason::should_requeue, ad);
  }
  const ExitStatus& exit = *outcome.exit;
  ad.set("ExitBySignal", exit.signal != 0);
  if (exit.signal != 0)
    ad.set("ExitSignal", exit.signal);
  else
    ad.set("ExitCode", exit.code);
  ad.set("JobCoreDumped", exit.core_dumped);
  if (!spooled_.empty()) ad.set("SpooledOutputFiles", fmt::format("{}", fmt::join(spooled_, ",")));
  TRY(shadow_->update(ad));
  return shadow_->exit(exit.wait_status(),
                       exit.core_dumped ? ExitReason::core_dumped : ExitReason::exited, ad);
}

}  // namespace podpilot::agent::htcondor
