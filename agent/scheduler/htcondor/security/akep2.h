// SPDX-License-Identifier: Apache-2.0
// HTCondor's TOKEN method as the client sees it: AKEP2, by which both sides prove that they know a
// token's signature without sending it (condor_io/condor_auth_passwd.cpp). Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/scheduler/htcondor/cedar/key.h"
#include "agent/scheduler/htcondor/cedar/message.h"
#include "agent/scheduler/htcondor/security/token.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

inline constexpr std::size_t kNonce = 256;  // bytes of either side's

class Akep2Client {
 public:
  // `nonce` is random and kNonce long.
  Akep2Client(const IdToken& token, std::string nonce);

  void put_hello(MessageWriter& out) const;
  // Fault::denied where the server refuses the token (Refusal::token) or does not know its
  // signature (Refusal::key): refusal() tells which.
  Result<void> take_challenge(MessageReader& in);
  void put_proof(MessageWriter& out) const;
  // Instead of the proof, so that the server need not wait for it.
  static void put_failure(MessageWriter& out);

  enum class Refusal { none, token, key };
  Refusal refusal() const { return refusal_; }

 private:
  std::string subject_;
  std::string signed_part_;
  Key key_;
  std::string nonce_;
  std::string peer_nonce_;
  Refusal refusal_ = Refusal::none;
};

}  // namespace podpilot::agent::htcondor
