// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/claim.h"

#include <fmt/format.h>

#include <utility>

#include "agent/scheduler/htcondor/cedar/peer_version.h"
#include "agent/scheduler/htcondor/classad/wire.h"

namespace podpilot::agent::htcondor {
namespace {

// Parts of the answer to REQUEST_CLAIM (condor_includes/condor_commands.h).
constexpr int kRefused = 0;
constexpr int kAccepted = 1;
constexpr int kLeftoversInClear = 3;
constexpr int kLeftovers = 5;
constexpr int kSlotAd = 7;

constexpr std::chrono::seconds kMaxAliveInterval = std::chrono::hours(24 * 365);

constexpr std::string_view kWantsReason = "_condor_send_activation_failure_ad";

// A flag that the peer put among the job's attributes.
bool take_flag(Ad& job, std::string_view name) {
  const bool value = job.boolean(name).value_or(false);
  job.erase(name);
  return value;
}

Result<SecretClaimId> claim_id_of(MessageReader& message) {
  const std::string text = TRY(message.string());
  return parse_claim_id(text);
}

Result<Ad> receive_ad(Stream& stream, Deadline deadline) {
  MessageReader message = TRY(stream.receive(kMaxAdMessage, deadline));
  return get_ad(message);
}

Result<void> send_ad(Stream& stream, const Ad& ad, Deadline deadline) {
  MessageWriter message = stream.writer();
  put_ad(message, ad);
  return stream.send(message, deadline);
}

Result<std::string> receive_string(Stream& stream, Deadline deadline) {
  MessageReader message = TRY(stream.receive(kMaxSmallMessage, deadline));
  return message.string();
}

Result<void> send_claim_id(Stream& stream, const SecretClaimId& claim_id, Deadline deadline) {
  MessageWriter message = stream.writer();
  message.string(claim_id.reveal());
  return stream.send(message, deadline);
}

void put_slot(MessageWriter& message, int kind, const ClaimedSlot& slot) {
  message.integer(kind).string(slot.claim_id.reveal());
  put_ad(message, slot.ad);
}

Ad ca_reply(std::string_view result) {
  Ad ad;
  ad.set("MyType", std::string_view("Reply"));
  ad.set("TargetType", std::string_view("Command"));
  ad.set("Result", result);
  return ad;
}

DrainSpeed speed_of(std::int64_t number) {
  if (number >= static_cast<int>(DrainSpeed::fast)) return DrainSpeed::fast;
  if (number >= static_cast<int>(DrainSpeed::quick)) return DrainSpeed::quick;
  return DrainSpeed::graceful;
}

AfterDrain after_drain_of(std::int64_t number) {
  const bool known = number >= static_cast<int>(AfterDrain::nothing) &&
                     number <= static_cast<int>(AfterDrain::reconfigure);
  return known ? static_cast<AfterDrain>(number) : AfterDrain::nothing;
}

}  // namespace

Result<ClaimRequest> read_claim_request(Stream& stream, Deadline deadline) {
  MessageReader message = TRY(stream.receive(kMaxAdMessage, deadline));
  ClaimRequest request;
  request.claim_id = TRY(claim_id_of(message));
  request.job = TRY(get_ad(message));
  const std::string schedd = TRY(message.string());
  request.schedd = TRY(parse_sinful(schedd).within("the schedd's address"));
  const std::int64_t interval = TRY(message.integer());
  if (interval < 0 || interval > kMaxAliveInterval.count())
    return Error{Fault::invalid, fmt::format("an alive interval of {} s", interval)};
  request.alive_interval = std::chrono::seconds(interval);
  if (message.left() > 0) {
    const std::size_t more = TRY(message.count(kMaxClaims));
    for (std::size_t i = 0; i < more; ++i) {
      SecretClaimId claim = TRY(claim_id_of(message));
      request.more_claims.push_back(std::move(claim));
    }
  }
  Ad& job = request.job;
  request.secure_claim_id = take_flag(job, "_condor_SECURE_CLAIM_ID");
  request.send_claimed_ad = take_flag(job, "_condor_SEND_CLAIMED_AD");
  request.send_leftovers = take_flag(job, "_condor_SEND_LEFTOVERS");
  request.claim_partitionable_slot = take_flag(job, "_condor_CLAIM_PARTITIONABLE_SLOT");
  request.dynamic_slots = job.integer("_condor_NUM_DYNAMIC_SLOTS").value_or(1);
  job.erase("_condor_NUM_DYNAMIC_SLOTS");
  request.startd_sends_alive = job.boolean("StartdSendsAlives").value_or(false);
  request.alive_by_updates = take_flag(job, "_condor_StartdHandlesAlives");
  return request;
}

Result<void> answer_claim_request(Stream& stream, const ClaimRequest& request,
                                  const ClaimReply& reply, Deadline deadline) {
  MessageWriter message = stream.writer();
  if (!reply.accepted) {
    message.integer(kRefused);
    return stream.send(message, deadline);
  }
  if (request.send_claimed_ad)
    for (const ClaimedSlot& slot : reply.slots) put_slot(message, kSlotAd, slot);
  if (request.send_leftovers && reply.leftovers)
    put_slot(message, request.secure_claim_id ? kLeftovers : kLeftoversInClear, *reply.leftovers);
  else
    message.integer(kAccepted);
  return stream.send(message, deadline);
}

Result<Activation> read_activation(Stream& stream, Deadline deadline) {
  MessageReader message = TRY(stream.receive(kMaxAdMessage, deadline));
  Activation activation;
  activation.claim_id = TRY(claim_id_of(message));
  [[maybe_unused]] const std::int64_t starter_number = TRY(message.integer());
  activation.job = TRY(get_ad(message));
  activation.wants_reason = take_flag(activation.job, kWantsReason);
  return activation;
}

Result<void> answer_activation(Stream& stream, const Activation& activation, ActivateReply reply,
                               const Reason& why, Deadline deadline) {
  MessageWriter message = stream.writer();
  message.integer(static_cast<int>(reply));
  if (reply != ActivateReply::ok && activation.wants_reason) {
    Ad ad;
    ad.set("VacateReason", std::string_view(why.text));
    ad.set("VacateReasonCode", static_cast<int>(why.code));
    put_ad(message, ad);
  }
  return stream.send(message, deadline);
}

std::optional<DeactivationKind> deactivation_kind(Command command) {
  switch (command) {
    case Command::deactivate_claim:
      return DeactivationKind::graceful;
    case Command::deactivate_claim_forcibly:
      return DeactivationKind::forcible;
    case Command::deactivate_claim_job_done:
      return DeactivationKind::job_done;
    case Command::deactivate_claim_final_xfer:
      return DeactivationKind::final_transfer;
    case Command::reactivate_claim_check:
      return DeactivationKind::check;
    default:
      return std::nullopt;
  }
}

Result<SecretClaimId> read_claim_id(Stream& stream, Deadline deadline) {
  const std::string text = TRY(receive_string(stream, deadline));
  return parse_claim_id(text);
}

Result<void> answer_deactivation(Stream& stream, const DeactivateReply& reply, Deadline deadline) {
  Ad ad;
  ad.set("Start", reply.start);
  if (reply.still_cleaning) ad.set("StillCleaning", true);
  return send_ad(stream, ad, deadline);
}

Result<CaCommand> read_ca_command(Stream& stream, Deadline deadline) {
  const Ad ad = TRY(receive_ad(stream, deadline));
  const auto text = [&](std::string_view name) { return ad.string(name).value_or(""); };
  const std::string name = text("Command");
  if (name == "CA_LOCATE_STARTER") {
    SecretClaimId claim = TRY(parse_claim_id(text("ClaimId")));
    return LocateStarter{std::move(claim), text("GlobalJobId"), text("ScheddIpAddr")};
  }
  if (name == "CA_RECONNECT_JOB")
    return ReconnectJob{text("ShadowIpAddr"), text("ShadowVersion"), text("TransferKey"),
                        text("TransferSocket"), text("UidDomain")};
  return UnknownCaCommand{name};
}

Result<void> starter_located(Stream& stream, const std::string& starter, Deadline deadline) {
  Ad ad = ca_reply("Success");
  ad.set("StarterIpAddr", std::string_view(starter));
  ad.set("CondorVersion", std::string_view(condor_version()));
  return send_ad(stream, ad, deadline);
}

Result<void> reconnect_accepted(Stream& stream, const Ad& starter_info, Deadline deadline) {
  Ad ad = starter_info;
  ad.update(ca_reply("Success"));
  return send_ad(stream, ad, deadline);
}

Result<void> ca_command_refused(Stream& stream, const std::string& why, Deadline deadline) {
  Ad ad = ca_reply("Failure");
  ad.set("ErrorString", std::string_view(why));
  return send_ad(stream, ad, deadline);
}

Result<std::string> read_slot_name(Stream& stream, Deadline deadline) {
  return receive_string(stream, deadline);
}

Result<DrainRequest> read_drain(Stream& stream, Deadline deadline) {
  const Ad ad = TRY(receive_ad(stream, deadline));
  DrainRequest request;
  request.speed = speed_of(ad.integer("HowFast").value_or(0));
  request.then = after_drain_of(ad.integer("ResumeOnCompletion").value_or(0));
  request.reason = ad.string("DrainReason").value_or("");
  if (const auto at = ad.integer("Deadline"); at && *at > 0) request.deadline = at;
  request.check = ad.expression("CheckExpr").value_or("");
  request.start = ad.expression("StartExpr").value_or("");
  return request;
}

Result<std::string> read_cancel_drain(Stream& stream, Deadline deadline) {
  const Ad ad = TRY(receive_ad(stream, deadline));
  return ad.string("RequestID").value_or("");
}

Result<void> answer_drain(Stream& stream, const Result<std::string>& request_id,
                          Deadline deadline) {
  Ad ad;
  ad.set("Result", request_id.has_value());
  if (!request_id) {
    ad.set("ErrorString", std::string_view(request_id.error().text));
    ad.set("ErrorCode", 1);
  } else if (!request_id->empty()) {
    ad.set("RequestID", std::string_view(*request_id));
  }
  return send_ad(stream, ad, deadline);
}

Result<std::optional<std::chrono::seconds>> send_alive(Security& security, const Sinful& schedd,
                                                       const SecretClaimId& claim_id,
                                                       Deadline deadline, BorrowedFd stop) {
  Stream stream =
      TRY(security.command(schedd, Command::alive, session_of(claim_id), deadline, stop));
  TRY(send_claim_id(stream, claim_id, deadline));
  MessageReader reply = TRY(stream.receive(kMaxSmallMessage, deadline));
  const std::int64_t interval = TRY(reply.integer());
  if (interval < 0) return std::optional<std::chrono::seconds>{};
  if (interval > kMaxAliveInterval.count())
    return Error{Fault::invalid, fmt::format("an alive interval of {} s", interval)};
  return std::optional(std::chrono::seconds(interval));
}

Result<void> send_release(Security& security, const Sinful& schedd, const SecretClaimId& claim_id,
                          Deadline deadline, BorrowedFd stop) {
  Stream stream =
      TRY(security.command(schedd, Command::release_claim, session_of(claim_id), deadline, stop));
  return send_claim_id(stream, claim_id, deadline);
}

}  // namespace podpilot::agent::htcondor
