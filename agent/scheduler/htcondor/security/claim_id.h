// SPDX-License-Identifier: Apache-2.0
// Claim ids: "<sinful>#birth#sequence#[info]secret". Who knows one may use the slot: the part up to
// the last '#' names a security session, the secret is its key.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "agent/scheduler/htcondor/cedar/commands.h"
#include "oci/http/secret.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

inline constexpr std::size_t kMaxClaimId = 16u << 10;  // bytes

class SecretClaimId {
 public:
  const std::string& session_id() const { return session_id_; }
  const std::string& info() const { return info_; }  // with its brackets; "" where there is none
  // For the peers that must know it, never for logs.
  std::string reveal() const;
  const oci::Secret& secret() const { return secret_; }
  // For logs: the session's id and "...".
  std::string public_part() const { return session_id_ + "#..."; }
  bool operator==(const SecretClaimId& other) const;

 private:
  friend Result<SecretClaimId> parse_claim_id(std::string_view text);
  friend SecretClaimId mint_claim_id(std::string_view, std::int64_t, std::uint64_t,
                                     std::span<const Command>);
  std::string session_id_;
  std::string info_;
  oci::Secret secret_;
};

// Fault::invalid, without any of the text, where it is no claim id that names a session.
Result<SecretClaimId> parse_claim_id(std::string_view text);

// A new one, with 256 random bits. `address` is a label and may change later; with `birth` (seconds
// since the epoch) and `sequence` it must be unique. Its session's peers use it for `commands` by
// themselves; schedds and shadows need none, as they name the session that they mean.
SecretClaimId mint_claim_id(std::string_view address, std::int64_t birth, std::uint64_t sequence,
                            std::span<const Command> commands = {});

}  // namespace podpilot::agent::htcondor
