// SPDX-License-Identifier: Apache-2.0
// HTCondor's numbers for why a job is held, vacated or ends. Users' policies test them.
#pragma once

#include <string>

namespace podpilot::agent::htcondor {

// condor_utils/condor_holdcodes.h. From 1000 on they vacate instead: the job goes back to idle.
enum class HoldCode : int {
  unspecified = 0,
  create_process = 6,
  invalid_transfer_ack = 11,
  // Of a file transfer these two say which side failed, not which way the files went: a shadow
  // makes TransferInputError (13) or TransferOutputError (12) of them, as the job has begun or not.
  download_file = 12,  // to receive or to write
  upload_file = 13,    // to read or to send
  invalid_transfer_go_ahead = 18,
  startd_held_job = 21,
  max_transfer_input_size = 32,
  max_transfer_output_size = 33,
  out_of_resources = 34,
  invalid_docker_image = 35,
  singularity_test_failed = 45,
  job_not_started = 1003,
  job_should_requeue = 1005,
  starter_error = 1007,
  startd_vacate_command = 1010,
  startd_exception = 1012,
  startd_shutdown = 1013,
  startd_draining = 1014,
  startd_release_command = 1017,
  container_error = 1021,
  scratch_dir_error = 1024,
  // Why an activation was refused.
  activation_bad_request = 1026,
  activation_no_match = 1027,
  activation_still_cleaning = 1028,
  activation_not_idle = 1032,
  activation_unclaimed = 1033,
  activation_claim_not_found = 1034,
};

// Subcodes of HoldCode::out_of_resources.
inline constexpr int kOutOfMemory = 102;
inline constexpr int kOutOfDisk = 104;

struct Reason {
  HoldCode code = HoldCode::unspecified;
  int subcode = 0;   // an errno, a kOutOf...
  std::string text;  // one line
};

// condor_includes/exit.h: why the starter ends.
enum class ExitReason : int {
  exited = 100,
  killed = 102,  // by the starter: removed, held or vacated
  core_dumped = 103,
  should_requeue = 107,
  not_started = 108,
  exec_failed = 110,
  should_hold = 112,
  exited_and_claim_closing = 115,  // as exited; no further job on this claim
  reconnect_failed = 116,
};

}  // namespace podpilot::agent::htcondor
