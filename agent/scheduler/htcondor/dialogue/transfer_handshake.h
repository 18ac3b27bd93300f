// SPDX-License-Identifier: Apache-2.0
// What both directions of a file transfer share: who may go ahead, and how it went
// (condor_utils/file_transfer.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/scheduler/htcondor/cedar/stream.h"
#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/dialogue/transfer.h"

namespace podpilot::agent::htcondor {

// One file's, or whatever else's, announcement.
enum class TransferCommand : int {
  finished = 0,
  file = 1,
  file_encrypted = 2,    // as file: an AES stream is encrypted throughout
  file_unencrypted = 3,  // as file
  x509_delegation = 4,
  url = 5,
  folder = 6,
  other = 999,  // an ad with SubCommand follows
  unknown = -1,
};
TransferCommand command_of(std::int64_t number);
// SubCommand of TransferCommand::other.
inline constexpr std::int64_t kUploadUrl = 7;
inline constexpr std::int64_t kReuseInfo = 8;

// Modes on the wire that are none.
inline constexpr std::int64_t kNoMode = 0;
inline constexpr std::int64_t kMissingFile = 1 << 24;

// The text of the Fault::denied that says so.
inline constexpr const char* kKeyRefused = "the shadow does not know our transfer key";
// An ad where the shadow may instead answer that it refuses our key.
Result<Ad> receive_transfer_ad(Stream& stream, Deadline deadline);

// What we say of our side.
Ad ack_of(const TransferOutcome& outcome);
// What the peer says of its side. An ad without a result is a hold.
TransferOutcome outcome_of_ack(const Ad& ack);

// Each side tells the other, before each file until it says "always", to go ahead.
class GoAhead {
 public:
  GoAhead(Stream& stream, const TransferLimits& limits) : stream_(stream), limits_(limits) {}

  // Waits, maybe long, until the peer wants us to go on. Its refusal is an outcome.
  Result<std::optional<TransferOutcome>> wait_for_peer();
  // Tells the peer to go on, with everything that follows; or, with `refusal`, never.
  Result<void> tell_peer(const std::optional<Reason>& refusal);

  // The most that the peer takes, in bytes; nothing for no limit.
  std::optional<std::uint64_t> peer_limit() const { return peer_limit_; }

 private:
  Stream& stream_;
  const TransferLimits& limits_;
  bool peer_always_ = false;
  bool told_always_ = false;
  std::optional<std::uint64_t> peer_limit_;
};

}  // namespace podpilot::agent::htcondor
