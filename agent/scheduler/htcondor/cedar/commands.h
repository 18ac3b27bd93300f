// SPDX-License-Identifier: Apache-2.0
// Every number of HTCondor's protocol that names a request, each with the file of HTCondor's source
// that it comes from.
#pragma once

namespace podpilot::agent::htcondor {

// What a connection is opened for.
enum class Command : int {
  // condor_includes/condor_commands.h, to a collector
  update_startd_ad = 0,
  invalidate_startd_ads = 13,
  // condor_includes/condor_commands.h, connection brokering
  ccb_register = 67,
  ccb_request = 68,
  ccb_reverse_connect = 69,
  shared_port_connect = 75,
  // condor_includes/condor_commands.h, to a startd
  continue_claim = 401,
  suspend_claim = 402,
  deactivate_claim = 403,
  deactivate_claim_forcibly = 404,
  deactivate_claim_job_done = 413,
  match_info = 440,
  alive = 441,  // to a schedd for a claim, to a broker as heartbeat
  request_claim = 442,
  release_claim = 443,
  activate_claim = 444,
  vacate_all_claims = 447,
  give_state = 448,
  vacate_claim = 465,
  vacate_all_fast = 474,
  vacate_claim_fast = 475,
  drain_jobs = 512,
  cancel_drain_jobs = 513,
  reactivate_claim_check = 554,
  deactivate_claim_final_xfer = 561,
  ca_cmd = 1200,
  ca_locate_starter = 1201,
  ca_reconnect_job = 1202,
  create_job_owner_sec_session = 1501,
  start_sshd = 1502,
  starter_peek = 1503,
  // condor_includes/condor_commands.h, to every daemon
  dc_off_graceful = 60005,
  dc_off_fast = 60006,
  dc_authenticate = 60010,
  dc_nop = 60011,
  dc_off_peaceful = 60015,
  dc_sec_query = 60040,
  // condor_includes/condor_commands.h, file transfer; named as the shadow sees them
  filetrans_upload = 61000,    // the pilot receives
  filetrans_download = 61001,  // the pilot sends
};

// What is asked of a shadow on the channel that an activation became.
// condor_includes/condor_sys.h
enum class Syscall : int {
  get_docker_creds = -85,
  dprintf_stats = -84,
  job_termination = -82,
  register_job_info = -81,
  begin_execution = -78,
  register_starter_info = -77,
  get_user_info = -76,
  job_exit = -65,
  get_job_info = -63,
  ulog = 284,
  get_job_attr = 285,
  set_job_attr = 286,
  get_sec_session_info = 288,
  getcreds = 302,
  get_delegated_proxy = 303,
  event_notification = 304,
  request_guidance = 305,
};

}  // namespace podpilot::agent::htcondor
