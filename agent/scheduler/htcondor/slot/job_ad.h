// SPDX-License-Identifier: Apache-2.0
// A job ad as a JobDescription, and what the dialogue with its shadow needs besides. Pure.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/job/description.h"
#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/dialogue/codes.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// What the operator and the slot add.
struct JobSetting {
  std::string default_image;               // of jobs that name none; "": they are not taken
  bool directory_images = false;           // an image may be a folder of the pod
  bool input_images = false;               // and one that comes with the job's input files
  std::string scratch = "/scratch";        // where a job without ContainerTargetDir sees its folder
  std::map<std::string, std::string> env;  // below the job's own
  std::vector<Bind> binds;
  std::string slot_name;  // "slot1_3@NAME"
  Resources resources;    // of the slot: the limits of the job
};

enum class WhenOutput { on_exit, on_exit_or_evict, on_success, never };

struct CondorJob {
  JobDescription description;
  bool sends_login = false;  // the shadow has a login for its image: see docker_login.h

  std::string id;         // "12.0"
  std::string global_id;  // with the schedd and the time
  std::string user;       // "alice@pool"

  std::string executable;  // path below the job's folder of what is to be made executable, or ""
  bool sends_stdout = false, sends_stderr = false;
  bool joined = false;  // stdout and stderr are one file, in the order of writing
  // TransferOutput at its commas. Nothing: all that is new or changed at the top of the folder.
  std::optional<std::vector<std::string>> outputs;
  bool preserve_relative_paths = false;
  WhenOutput when = WhenOutput::on_exit;

  int kill_signal = 0;    // SIGTERM where the job does not say
  int remove_signal = 0;  // kill_signal where the job does not say, as the next
  int hold_signal = 0;
  std::optional<std::chrono::seconds> vacate_time;  // what the job would like to get
};

// An expression for Start: true with every TARGET that read_job() can make something of, false with
// jobs of other universes and with those that need what podpilot cannot do. True without TARGET.
std::string runnable_expression(const JobSetting& setting);

// RequestCpus, RequestMemory (MiB) and RequestDisk (KiB), evaluated with the slot as TARGET.
// Fault::invalid if one is no number above 0, or beyond all bounds.
Result<Resources> requested_resources(const Ad& job, const Ad& slot);

// Or why the job must be held: somebody has to change it.
std::expected<CondorJob, Reason> read_job(const Ad& job, const JobSetting& setting);

// "12.0", as people know it.
std::string job_id(const Ad& job);

// Where a job's folder has the two ads as text, made by format_ad() (classad/text.h). The
// environment names them.
inline constexpr std::string_view kJobAdFile = ".job.ad";
inline constexpr std::string_view kMachineAdFile = ".machine.ad";

}  // namespace podpilot::agent::htcondor
