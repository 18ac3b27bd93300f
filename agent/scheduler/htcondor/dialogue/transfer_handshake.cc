// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/dialogue/transfer_handshake.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/scheduler/htcondor/classad/wire.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

// Result of a go-ahead: below 0 never, 0 "still waiting", above 0 go on.
constexpr std::int64_t kAlways = 2;

// How often the peer shall say that it lives; it allows for no less than this.
constexpr std::chrono::seconds kAliveInterval = std::chrono::minutes(5);
constexpr std::chrono::seconds kAliveSlop = std::chrono::seconds(20);
constexpr std::chrono::seconds kMaxPeerTimeout = std::chrono::hours(2);
// Sooner than one a second is no keepalive.
constexpr int kMaxKeepalives = 100'000;

// A number that an ad's sender chose, as a code of ours.
int small(const std::optional<std::int64_t>& number) {
  return static_cast<int>(std::clamp<std::int64_t>(number.value_or(0), INT_MIN, INT_MAX));
}

Reason reason_of(const Ad& ad) {
  Reason why;
  why.code = static_cast<HoldCode>(small(ad.integer("HoldReasonCode")));
  why.subcode = small(ad.integer("HoldReasonSubCode"));
  why.text = printable(ad.string("HoldReason").value_or(""));
  return why;
}

void put_reason(Ad& ad, const Reason& why) {
  ad.set("HoldReasonCode", static_cast<int>(why.code));
  ad.set("HoldReasonSubCode", why.subcode);
  ad.set("HoldReason", std::string_view(printable(why.text)));
}

Result<std::int64_t> receive_integer(Stream& stream, Deadline deadline) {
  MessageReader message = TRY(stream.receive(kMaxSmallMessage, deadline));
  return message.integer();
}

Result<void> send_ad(Stream& stream, const Ad& ad, Deadline deadline) {
  MessageWriter message = stream.writer();
  put_ad(message, ad);
  return stream.send(message, deadline);
}

}  // namespace

TransferCommand command_of(std::int64_t number) {
  const bool known = (number >= static_cast<int>(TransferCommand::finished) &&
                      number <= static_cast<int>(TransferCommand::folder)) ||
                     number == static_cast<int>(TransferCommand::other);
  return known ? static_cast<TransferCommand>(number) : TransferCommand::unknown;
}

Result<Ad> receive_transfer_ad(Stream& stream, Deadline deadline) {
  MessageReader message = TRY(stream.receive(kMaxAdMessage, deadline));
  // No ad is as short: a count and two strings.
  if (message.left() == sizeof(std::int64_t)) {
    const std::int64_t number = TRY(message.integer());
    if (number == 0) return Error{Fault::denied, kKeyRefused};
    return Error{Fault::invalid, fmt::format("{} instead of an ad", number)};
  }
  return get_ad(message);
}

Ad ack_of(const TransferOutcome& outcome) {
  Ad ad;
  ad.set("Result", outcome.verdict == TransferVerdict::done   ? 0
                   : outcome.verdict == TransferVerdict::hold ? -1
                                                              : 1);
  [[maybe_unused]] const Result<void> stats = ad.set_expression(
      "TransferStats", outcome.files == 0
                           ? std::string("[ ]")
                           : fmt::format("[ Protocols = \"cedar\"; CedarSizeBytes = {}; "
                                         "CedarFilesCount = {} ]",
                                         outcome.bytes, outcome.files));
  if (outcome.verdict != TransferVerdict::done) put_reason(ad, outcome.why);
  return ad;
}

TransferOutcome outcome_of_ack(const Ad& ack) {
  TransferOutcome outcome;
  const std::optional<std::int64_t> result = ack.integer("Result");
  if (!result) {
    outcome.verdict = TransferVerdict::hold;
    outcome.why = {HoldCode::invalid_transfer_ack, 0, "the shadow's acknowledgement has no result"};
    return outcome;
  }
  if (*result == 0) return outcome;
  outcome.verdict = *result > 0 ? TransferVerdict::retry : TransferVerdict::hold;
  outcome.why = reason_of(ack);
  return outcome;
}

Result<std::optional<TransferOutcome>> GoAhead::wait_for_peer() {
  if (peer_always_) return std::optional<TransferOutcome>{};
  MessageWriter interval = stream_.writer();
  interval.integer(kAliveInterval.count());
  TRY(stream_.send(interval, Deadline::after(limits_.idle)));
  const Deadline queued = Deadline::after(limits_.queued);
  std::chrono::seconds patience = kAliveInterval + kAliveSlop;
  for (int keepalives = 0; keepalives < kMaxKeepalives; ++keepalives) {
    const Ad ad = TRY(receive_transfer_ad(stream_, Deadline::after(patience).earliest(queued)));
    const std::optional<std::int64_t> result = ad.integer("Result");
    if (!result) {
      TransferOutcome outcome;
      outcome.verdict = TransferVerdict::hold;
      outcome.why = {HoldCode::invalid_transfer_go_ahead, 1, "the shadow's go-ahead has no result"};
      return std::optional(std::move(outcome));
    }
    if (const auto most = ad.integer("MaxTransferBytes"); most && *most >= 0)
      peer_limit_ = static_cast<std::uint64_t>(*most);
    if (*result > 0) {
      peer_always_ = *result >= kAlways;
      return std::optional<TransferOutcome>{};
    }
    if (*result < 0) {
      TransferOutcome outcome;
      outcome.verdict =
          ad.boolean("TryAgain").value_or(true) ? TransferVerdict::retry : TransferVerdict::hold;
      outcome.why = reason_of(ad);
      return std::optional(std::move(outcome));
    }
    if (const auto timeout = ad.integer("Timeout"); timeout && *timeout > 0)
      patience = std::min(std::chrono::seconds(*timeout), kMaxPeerTimeout) + kAliveSlop;
  }
  return Error{Fault::invalid, "the shadow never lets the transfer go ahead"};
}

Result<void> GoAhead::tell_peer(const std::optional<Reason>& refusal) {
  if (told_always_) return {};
  const Deadline deadline = Deadline::after(limits_.idle);
  // How long the peer wants to wait at most: it need not wait.
  [[maybe_unused]] const std::int64_t patience = TRY(receive_integer(stream_, deadline));
  Ad ad;
  ad.set("Result", refusal ? std::int64_t{-1} : kAlways);
  ad.set("MaxTransferBytes", -1);
  if (refusal) {
    ad.set("TryAgain", false);
    put_reason(ad, *refusal);
  }
  TRY(send_ad(stream_, ad, deadline));
  told_always_ = true;
  return {};
}

}  // namespace podpilot::agent::htcondor
