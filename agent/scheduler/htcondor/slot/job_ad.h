// SPDX-License-Identifier: Apache-2.0
// A job ad as a JobDescription, and what the dialogue with its shadow needs besides. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/job/description.h"
#include "agent/scheduler/htcondor/classad/ad.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// HoldReasonCode (condor_includes/condor_holdcodes.h): users' policies test them.
enum class HoldCode : int {
  failed_to_create_process = 6,
  upload_file = 12,    // output
  download_file = 13,  // input
  exceeded_resources = 34,
  invalid_image = 35,
  unsupported = 53,  // see job_ad.cc
};

// Why a job cannot run here or anywhere like here.
struct Hold {
  HoldCode code = HoldCode::failed_to_create_process;
  int subcode = 0;
  std::string reason;
};

// What the operator and the slot add.
struct JobSetting {
  std::string default_image;      // of jobs that name none; "" holds them
  bool directory_images = false;  // an image may be a folder of the pod
  std::string scratch = "/scratch";
  std::map<std::string, std::string> env;  // EXTRA_JOB_ENV: below the job's own
  std::vector<Bind> binds;
  std::string slot_name;  // "slot1_3@NAME"
  Resources resources;    // of the slot: the limits of the job
};

enum class WhenOutput { on_exit, on_exit_or_evict, on_success };

struct CondorJob {
  JobDescription description;
  std::string id;         // "12.0"
  std::string global_id;  // with the schedd and the time
  std::string user;       // "alice@pool"

  bool transfers_files = true;
  std::string executable;  // name in the job's folder to be made executable; "" for none
  std::string input;       // file in the job's folder, or absolute in the image; "" for /dev/null
  bool output_wanted = false, error_wanted = false;  // else /dev/null
  bool joined = false;                               // stdout and stderr are one file
  // Nothing: all that is new or changed at the top of the job's folder.
  std::optional<std::vector<std::string>> outputs;
  bool preserve_relative_paths = false;
  WhenOutput when = WhenOutput::on_exit;
  int success_exit_code = 0;

  int kill_signal = 0, remove_signal = 0, hold_signal = 0;
  std::optional<std::chrono::seconds> vacate_time;  // asked for by the job
};

// Before a claim is accepted: this job will never run here. Nothing where it may.
std::optional<std::string> never_runs(const Ad& job, const JobSetting& setting);

std::expected<CondorJob, Hold> read_job(const Ad& job, const JobSetting& setting);

// .job.ad and .machine.ad, which jobs find by _CONDOR_JOB_AD and _CONDOR_MACHINE_AD: text without
// secrets, for the job's folder.
inline constexpr std::string_view kJobAdFile = ".job.ad";
inline constexpr std::string_view kMachineAdFile = ".machine.ad";

// "a 'b c' d''e" of the new syntax (V2), also within double quotes; Fault::invalid if a quote is
// not closed.
Result<std::vector<std::string>> split_arguments(std::string_view text);
// Words between blanks of the old syntax (V1), where quotes are characters.
std::vector<std::string> split_old_arguments(std::string_view text);

}  // namespace podpilot::agent::htcondor
