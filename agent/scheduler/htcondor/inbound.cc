// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/inbound.h"

#include <fmt/format.h>

#include <utility>

#include "sandbox/base/log.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::chrono::seconds kPatience{20};

Deadline soon() {
  return Deadline::after(kPatience);
}

// The stream is moved on where the activation was accepted.
Result<void> serve_activation(Security::Inbound& peer, Desk& desk) {
  const Activation activation = TRY(read_activation(peer.stream, soon()));
  const std::optional<ActivationDecision> decision = desk.activate(peer.session, activation);
  if (!decision) return {};
  const Result<void> answered =
      answer_activation(peer.stream, activation, decision->reply, decision->why, soon());
  if (decision->reply != ActivateReply::ok) return answered;
  if (answered)
    desk.channel(decision->claim, std::move(peer.stream));
  else
    desk.channel(decision->claim, answered.error());
  return answered;
}

Result<void> serve_claim_request(Security::Inbound& peer, Desk& desk) {
  const ClaimRequest request = TRY(read_claim_request(peer.stream, soon()));
  const std::optional<ClaimReply> reply = desk.request_claim(peer.session, request);
  if (!reply) return {};
  return answer_claim_request(peer.stream, request, *reply, soon());
}

Result<void> serve_deactivation(Security::Inbound& peer, Desk& desk, DeactivationKind kind) {
  const SecretClaimId claim_id = TRY(read_claim_id(peer.stream, soon()));
  const std::optional<DeactivateReply> reply = desk.deactivate(peer.session, claim_id, kind);
  if (!reply) return {};
  return answer_deactivation(peer.stream, *reply, soon());
}

Result<void> serve_ca_command(Security::Inbound& peer) {
  const CaCommand command = TRY(read_ca_command(peer.stream, soon()));
  return ca_command_refused(peer.stream, "a lost shadow cannot take its job up again here", soon());
}

// What an administrator's session allows.
Result<void> serve_administrator(Security::Inbound& peer, Desk& desk) {
  switch (peer.command) {
    case Command::drain_jobs: {
      const DrainRequest request = TRY(read_drain(peer.stream, soon()));
      const std::optional<Result<std::string>> drained = desk.drain(request);
      if (!drained) return {};
      return answer_drain(peer.stream, *drained, soon());
    }
    case Command::cancel_drain_jobs: {
      const std::string id = TRY(read_cancel_drain(peer.stream, soon()));
      const std::optional<Result<std::string>> cancelled = desk.cancel_drain(id);
      if (!cancelled) return {};
      return answer_drain(peer.stream, *cancelled, soon());
    }
    case Command::vacate_claim:
    case Command::vacate_claim_fast: {
      const std::string slot = TRY(read_slot_name(peer.stream, soon()));
      desk.vacate(slot,
                  peer.command == Command::vacate_claim ? VacateSpeed::soft : VacateSpeed::fast);
      return {};
    }
    case Command::vacate_all_claims:
      desk.vacate("", VacateSpeed::soft);
      return {};
    case Command::vacate_all_fast:
      desk.vacate("", VacateSpeed::fast);
      return {};
    case Command::dc_off_peaceful:
      desk.off(OffSpeed::peaceful);
      return {};
    case Command::dc_off_graceful:
      desk.off(OffSpeed::graceful);
      return {};
    case Command::dc_off_fast:
      desk.off(OffSpeed::fast);
      return {};
    default:
      return Error{Fault::unsupported, "an execute node of podpilot does not do this"};
  }
}

Result<void> serve_peer(Security::Inbound& peer, Desk& desk) {
  if (const auto kind = deactivation_kind(peer.command))
    return serve_deactivation(peer, desk, *kind);
  switch (peer.command) {
    case Command::request_claim:
      return serve_claim_request(peer, desk);
    case Command::activate_claim:
      return serve_activation(peer, desk);
    case Command::release_claim: {
      const SecretClaimId claim_id = TRY(read_claim_id(peer.stream, soon()));
      desk.release(peer.session, claim_id);
      return {};
    }
    case Command::suspend_claim:
    case Command::continue_claim: {
      const SecretClaimId claim_id = TRY(read_claim_id(peer.stream, soon()));
      desk.suspend(peer.session, claim_id, peer.command == Command::suspend_claim);
      return {};
    }
    case Command::match_info:
      return {};
    case Command::ca_cmd:
      return serve_ca_command(peer);
    default:
      if (desk.is_administrator(peer.session)) return serve_administrator(peer, desk);
      return Error{Fault::denied, "not for this session"};
  }
}

}  // namespace

std::span<const Command> administrator_commands() {
  static constexpr Command kCommands[] = {
      Command::drain_jobs,        Command::cancel_drain_jobs, Command::vacate_claim,
      Command::vacate_claim_fast, Command::vacate_all_claims, Command::vacate_all_fast,
      Command::dc_off_graceful,   Command::dc_off_peaceful,   Command::dc_off_fast,
  };
  return kCommands;
}

void serve(Security& security, Desk& desk, Stream connection) {
  Result<Security::Inbound> peer = security.accept(std::move(connection), soon());
  if (!peer) return log::info("condor: refused a peer", {{"error", peer.error().text}});
  const Result<void> served = serve_peer(*peer, desk);
  if (!served)
    log::info("condor: closed a connection",
              {{"command", fmt::format("{}", static_cast<int>(peer->command))},
               {"user", peer->user},
               {"error", served.error().text}});
}

}  // namespace podpilot::agent::htcondor
