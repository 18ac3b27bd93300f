// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/job_ad.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>

#include "agent/scheduler/htcondor/classad/value.h"
#include "agent/scheduler/htcondor/slot/docker_login.h"
#include "agent/scheduler/htcondor/slot/job_image.h"
#include "agent/scheduler/htcondor/slot/job_words.h"
#include "agent/scheduler/htcondor/slot/unsupported.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

// Libraries that start as many threads as there are CPUs read one of these
// (STARTER_NUM_THREADS_ENV_VARS of condor_utils/param_info.in).
constexpr const char* kThreadVariables[] = {
    "CUBACORES",
    "GOMAXPROCS",
    "JULIA_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_NUM_THREADS",
    "PYTHON_CPU_COUNT",
    "ROOT_MAX_THREADS",
    "TF_LOOP_PARALLEL_ITERATIONS",
    "TF_NUM_THREADS",
};
constexpr double kMiB = 1 << 20;
constexpr double kKiB = 1 << 10;

Reason held(HoldCode code, std::string_view text) {
  return {code, 0, fmt::format("{} (job-invalid)", text)};
}

Result<std::vector<std::string>> arguments(const Ad& job) {
  if (const auto text = job.string("Arguments")) return split_arguments(*text).within("Arguments");
  return split_old_arguments(job.string("Args").value_or(""));
}

Result<Environment> environment(const Ad& job) {
  if (const auto text = job.string("Environment"))
    return split_environment(*text).within("Environment");
  const std::string delimiter = job.string("EnvDelim").value_or(";");
  return split_old_environment(job.string("Env").value_or(""),
                               delimiter.empty() ? ';' : delimiter[0])
      .within("Env");
}

// A number, or a name with or without SIG; `otherwise` for all else.
int signal_of(const Ad& job, std::string_view name, int otherwise) {
  if (const auto number = job.integer(name); number && *number > 0 && *number < NSIG)
    return static_cast<int>(*number);
  std::string text = job.string(name).value_or("");
  if (same_name(text.substr(0, 3), "SIG")) text.erase(0, 3);
  for (int number = 1; number < NSIG; ++number)
    if (const char* known = sigabbrev_np(number); known && same_name(text, known)) return number;
  return otherwise;
}

WhenOutput when_of(const Ad& job) {
  const std::string text = job.string("WhenToTransferOutput").value_or("");
  if (same_name(text, "ON_EXIT_OR_EVICT") || same_name(text, "ALWAYS"))
    return WhenOutput::on_exit_or_evict;
  if (same_name(text, "ON_SUCCESS")) return WhenOutput::on_success;
  if (same_name(text, "NEVER")) return WhenOutput::never;
  return WhenOutput::on_exit;
}

bool wanted(const Ad& job, std::string_view file, std::string_view transfer) {
  const std::string name = job.string(file).value_or("");
  return !name.empty() && name != "/dev/null" && job.boolean(transfer).value_or(true);
}

// No plugin is here that could bring or take it.
std::optional<Reason> needs_plugin(const Ad& job) {
  for (const std::string& file : job.strings("TransferInput"))
    if (file.find("://") != std::string::npos)
      return held(HoldCode::upload_file, fmt::format("input from a URL: {}", printable(file)));
  const std::string remaps = job.string("TransferOutputRemaps").value_or("");
  for (const std::string_view remap : split(remaps, ';'))
    if (remap.find("://") != std::string_view::npos)
      return held(HoldCode::download_file, fmt::format("output to a URL: {}", printable(remap)));
  return {};
}

// No empty part, none that leads elsewhere.
bool is_clean_relative(std::string_view path) {
  for (const std::string_view part : split(path, '/'))
    if (part.empty() || part == "." || part == "..") return false;
  return true;
}

// Sets command and args; an executable rules out the image's ENTRYPOINT. False if it has no name
// that can be in the job's folder.
bool set_command(CondorJob& result, const Ad& job, std::vector<std::string> args) {
  JobDescription& description = result.description;
  description.args = std::move(args);
  std::string command = job.string("Cmd").value_or("");
  if (command.empty()) return true;
  if (job.boolean("TransferExecutable").value_or(true)) {
    const bool keep = command[0] != '/' && job.boolean("PreserveRelativeExecutable") == true;
    result.executable = keep ? command : command.substr(command.rfind('/') + 1);
    if (!is_clean_relative(result.executable)) return false;
    command = description.scratch + "/" + result.executable;
  }
  description.command = {std::move(command)};
  return true;
}

void set_environment(JobDescription& description, Environment own, const JobSetting& setting) {
  Environment& env = description.env;
  env = setting.env;
  for (const char* name : kThreadVariables) env[name] = std::to_string(setting.resources.cpus);
  env["HOME"] = description.scratch;
  for (auto& [name, value] : own) env[name] = std::move(value);
  // These are not the job's to say.
  env["BATCH_SYSTEM"] = "HTCondor";
  env["_CONDOR_SCRATCH_DIR"] = description.scratch;
  env["_CONDOR_JOB_IWD"] = description.scratch;
  env["_CONDOR_JOB_AD"] = fmt::format("{}/{}", description.scratch, kJobAdFile);
  env["_CONDOR_MACHINE_AD"] = fmt::format("{}/{}", description.scratch, kMachineAdFile);
  env["_CONDOR_SLOT"] = setting.slot_name.substr(0, setting.slot_name.find('@'));
  for (const char* name : {"TMPDIR", "TMP", "TEMP"}) env[name] = "/tmp";
}

void set_files(CondorJob& result, const Ad& job) {
  result.sends_stdout = wanted(job, "Out", "TransferOut");
  result.sends_stderr = wanted(job, "Err", "TransferErr");
  result.joined =
      result.sends_stdout && result.sends_stderr && job.string("Out") == job.string("Err");
  if (job.string("TransferOutput")) result.outputs = job.strings("TransferOutput");
  result.preserve_relative_paths = job.boolean("PreserveRelativePaths").value_or(false);
  result.when = when_of(job);
  const auto code = job.integer("JobSuccessExitCode");
  if (code || result.when == WhenOutput::on_success)
    result.description.success_exit_code = static_cast<int>(code.value_or(0));
}

void set_ending(CondorJob& result, const Ad& job) {
  result.kill_signal = signal_of(job, "KillSig", SIGTERM);
  result.remove_signal = signal_of(job, "RemoveKillSig", result.kill_signal);
  result.hold_signal = signal_of(job, "HoldKillSig", result.kill_signal);
  if (const auto time = job.integer("JobMaxVacateTime"); time && *time >= 0)
    result.vacate_time = std::chrono::seconds(std::min<std::int64_t>(*time, 365 * 86400));
}

}  // namespace

std::string job_id(const Ad& job) {
  return fmt::format("{}.{}", job.integer("ClusterId").value_or(0),
                     job.integer("ProcId").value_or(0));
}

std::string runnable_expression(const JobSetting& setting) {
  std::string text = supported_expression();
  if (!setting.input_images) text += " && TARGET.ContainerImageSource =!= \"cedar\"";
  if (setting.default_image.empty())
    text +=
        " && (TARGET.WantContainer =?= true || isString(TARGET.SingularityImage) || "
        "isUndefined(TARGET.JobUniverse))";
  return text;
}

Result<Resources> requested_resources(const Ad& job, const Ad& slot) {
  const auto amount = [&](std::string_view name, double unit) -> Result<std::uint64_t> {
    const std::optional<double> value = job.real(name, &slot);
    if (!value || !(*value > 0) || *value * unit >= 0x1p62)
      return Error{Fault::invalid, fmt::format("{} is {}", name, job.value(name, &slot))};
    return static_cast<std::uint64_t>(std::ceil(*value)) * static_cast<std::uint64_t>(unit);
  };
  Resources resources;
  const std::uint64_t cpus = TRY(amount("RequestCpus", 1));
  if (cpus > 1'000'000) return Error{Fault::invalid, fmt::format("RequestCpus is {}", cpus)};
  resources.cpus = static_cast<unsigned>(cpus);
  resources.memory = TRY(amount("RequestMemory", kMiB));
  resources.disk = TRY(amount("RequestDisk", kKiB));
  return resources;
}

std::expected<CondorJob, Reason> read_job(const Ad& job, const JobSetting& setting) {
  if (auto reason = unsupported(job)) return std::unexpected(*reason);
  if (auto reason = needs_plugin(job)) return std::unexpected(*reason);
  if (same_name(job.string("ShouldTransferFiles").value_or(""), "NO"))
    return std::unexpected(
        held(HoldCode::create_process, "the job wants a shared file system; there is none"));
  auto image = job_image(job, setting);
  if (!image) return std::unexpected(image.error());
  auto args = arguments(job);
  if (!args) return std::unexpected(held(HoldCode::create_process, args.error().text));
  auto env = environment(job);
  if (!env) return std::unexpected(held(HoldCode::create_process, env.error().text));

  CondorJob result;
  JobDescription& description = result.description;
  description.scratch = setting.scratch;
  if (const auto target = job.string("ContainerTargetDir"); target && !target->empty()) {
    if (!target->starts_with('/') || !is_clean_relative(target->substr(1)))
      return std::unexpected(
          held(HoldCode::create_process,
               fmt::format("container_target_dir is no absolute path: {}", printable(*target))));
    description.scratch = *target;
  }
  result.id = job_id(job);
  result.global_id = job.string("GlobalJobId").value_or("");
  result.user = job.string("User").value_or("");
  description.name = result.id;
  description.image = image->name;
  description.image_is_input = image->is_input;
  result.sends_login = description.image.starts_with(kDocker) && sends_docker_login(job);
  description.binds = setting.binds;
  description.request = setting.resources;
  if (!set_command(result, job, std::move(*args)))
    return std::unexpected(held(HoldCode::create_process, "Cmd names no file"));
  set_environment(description, std::move(*env), setting);
  set_files(result, job);
  set_ending(result, job);
  return result;
}

}  // namespace podpilot::agent::htcondor
