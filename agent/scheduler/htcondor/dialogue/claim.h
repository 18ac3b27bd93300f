// SPDX-License-Identifier: Apache-2.0
// What schedds, shadows and administrators ask of an execute node, message to struct and back.
// Nothing is decided here. Each function belongs to a stream that Security::accept() handed out
// with the command named; a reply goes back on the same stream.
// Ads are at most kMaxAdMessage; a claim request names at most kMaxClaims claims.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/scheduler/htcondor/cedar/commands.h"
#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/dialogue/codes.h"
#include "agent/scheduler/htcondor/security/claim_id.h"
#include "agent/scheduler/htcondor/security/security.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

inline constexpr std::size_t kMaxClaims = 1024;

// --- REQUEST_CLAIM
// --------------------------------------------------------------------------------

struct ClaimRequest {
  SecretClaimId claim_id;
  Ad job;         // without the flags below
  Sinful schedd;  // where ALIVE and RELEASE_CLAIM go
  std::chrono::seconds alive_interval{0};
  // Dynamic slots that are to be killed to make room on their partitionable slot.
  std::vector<SecretClaimId> more_claims;
  // How the schedd wants to be answered, by attributes of the job ad.
  bool secure_claim_id = false;           // leftovers' claim id as a secret
  bool send_claimed_ad = false;           // the ads of the slots made
  bool send_leftovers = false;            // the partitionable slot's ad and its new claim id
  bool startd_sends_alive = false;        // else the schedd does, and nothing is to be sent
  bool alive_by_updates = false;          // while a job runs, its updates stand for ALIVE
  bool claim_partitionable_slot = false;  // the whole of it, not a part: 24.x and later
  std::int64_t dynamic_slots = 1;         // this many at once: 24.x and later
};
Result<ClaimRequest> read_claim_request(Stream& stream, Deadline deadline);

struct ClaimedSlot {
  SecretClaimId claim_id;
  Ad ad;  // its Requirements are what a job must match to be activated here
};

struct ClaimReply {
  bool accepted = false;
  std::vector<ClaimedSlot> slots;        // what was made for this claim, the first on its own id
  std::optional<ClaimedSlot> leftovers;  // the partitionable slot that it was taken from
};
// Sends of `reply` what `request` asks for.
Result<void> answer_claim_request(Stream& stream, const ClaimRequest& request,
                                  const ClaimReply& reply, Deadline deadline);

// --- ACTIVATE_CLAIM
// -------------------------------------------------------------------------------

struct Activation {
  SecretClaimId claim_id;
  Ad job;
  bool wants_reason = false;  // 25.x: why it was refused
};
Result<Activation> read_activation(Stream& stream, Deadline deadline);

enum class ActivateReply { no = 0, ok = 1, try_again = 2 };
// After `ok` the stream is the syscall channel: it belongs to a Shadow. `why` is sent with the
// other two, where it is wanted.
Result<void> answer_activation(Stream& stream, const Activation& activation, ActivateReply reply,
                               const Reason& why, Deadline deadline);

// --- the DEACTIVATE_CLAIM family
// ------------------------------------------------------------------

enum class DeactivationKind {
  graceful,        // DEACTIVATE_CLAIM: the payload's kill signal, its time, then SIGKILL
  forcible,        // DEACTIVATE_CLAIM_FORCIBLY: at once; 23.x sends it after an ordinary end, too
  job_done,        // DEACTIVATE_CLAIM_JOB_DONE: nothing to kill; answered after the clean-up
  final_transfer,  // DEACTIVATE_CLAIM_FINAL_XFER: as graceful, outputs are sent
  check,           // REACTIVATE_CLAIM_CHECK: a question, nothing ends
};
// Nothing for any other command.
std::optional<DeactivationKind> deactivation_kind(Command command);

// Also the payload of RELEASE_CLAIM, MATCH_INFO, SUSPEND_CLAIM and CONTINUE_CLAIM, which are not
// answered.
Result<SecretClaimId> read_claim_id(Stream& stream, Deadline deadline);

// `start`: the claim can be activated again; else it counts as released, no RELEASE_CLAIM follows.
// The peer waits 20 s: where the clean-up takes longer, say so.
struct DeactivateReply {
  bool start = true;
  bool still_cleaning = false;
};
Result<void> answer_deactivation(Stream& stream, const DeactivateReply& reply, Deadline deadline);

// --- CA_CMD
// ---------------------------------------------------------------------------------------

// A shadow that lost its channel asks where the starter of its job listens ...
struct LocateStarter {
  SecretClaimId claim_id;
  std::string global_job_id;
  std::string schedd;  // sinful string; the schedd may have moved
};
// ... and then takes the job up again: after reconnect_accepted() the stream is the new syscall
// channel, and files go to the place named here.
struct ReconnectJob {
  std::string shadow;  // sinful string
  std::string shadow_version;
  std::string transfer_key;  // secret
  std::string transfer_socket;
  std::string uid_domain;
};
struct UnknownCaCommand {
  std::string name;
};
using CaCommand = std::variant<LocateStarter, ReconnectJob, UnknownCaCommand>;
Result<CaCommand> read_ca_command(Stream& stream, Deadline deadline);

// `starter`: our own address.
Result<void> starter_located(Stream& stream, const std::string& starter, Deadline deadline);
// `starter_info`: what register_starter() told the shadow.
Result<void> reconnect_accepted(Stream& stream, const Ad& starter_info, Deadline deadline);
Result<void> ca_command_refused(Stream& stream, const std::string& why, Deadline deadline);

// --- what administrators send
// ---------------------------------------------------------------------

// VACATE_CLAIM, VACATE_CLAIM_FAST: a slot's name. Not answered. VACATE_ALL_CLAIMS, VACATE_ALL_FAST,
// DC_OFF_GRACEFUL, DC_OFF_PEACEFUL and DC_OFF_FAST have no payload and no answer.
Result<std::string> read_slot_name(Stream& stream, Deadline deadline);

enum class DrainSpeed {
  graceful = 0,  // retirement and vacate time are honoured
  quick = 10,    // vacate time only
  fast = 20,     // neither
};
enum class AfterDrain { nothing = 0, resume = 1, exit = 2, restart = 3, reconfigure = 4 };
struct DrainRequest {
  DrainSpeed speed = DrainSpeed::graceful;  // a number in between counts as the slower one
  AfterDrain then = AfterDrain::nothing;
  std::string reason;
  std::optional<std::int64_t> deadline;  // Unix time
  // Expressions as text, "" for none: `check` must hold for each slot, or nothing is drained;
  // `start` stands for START meanwhile.
  std::string check;
  std::string start;
};
Result<DrainRequest> read_drain(Stream& stream, Deadline deadline);
// The request's id; "" cancels any.
Result<std::string> read_cancel_drain(Stream& stream, Deadline deadline);
// For both. `request_id` names the drain that began; an Error's text is what the tool shows.
Result<void> answer_drain(Stream& stream, const Result<std::string>& request_id, Deadline deadline);

// --- what we send to the schedd
// -------------------------------------------------------------------

// Each in the claim's own session.
// ALIVE: the interval that the schedd now wants, or nothing where it no longer knows the claim.
Result<std::optional<std::chrono::seconds>> send_alive(Security& security, const Sinful& schedd,
                                                       const SecretClaimId& claim_id,
                                                       Deadline deadline, BorrowedFd stop);
// RELEASE_CLAIM: the claim is over on our side.
Result<void> send_release(Security& security, const Sinful& schedd, const SecretClaimId& claim_id,
                          Deadline deadline, BorrowedFd stop);

}  // namespace podpilot::agent::htcondor
