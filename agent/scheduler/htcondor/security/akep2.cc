// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/akep2.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

#include "agent/scheduler/htcondor/security/token_seed.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kMaxProof = 64;
constexpr int kFailed = -1;

Key master_key(const IdToken& token) {
  std::string salt(reinterpret_cast<const char*>(kTokenSeedA.data()), kTokenSeedA.size());
  salt += token.signed_part;
  return hkdf_sha256(token.signature.reveal(), salt, "master ka");
}

std::string hmac_sha1(const Key& key, std::string_view text) {
  std::string proof(20, '\0');
  if (!HMAC(EVP_sha1(), key.reveal().data(), static_cast<int>(Key::kSize),
            reinterpret_cast<const unsigned char*>(text.data()), text.size(),
            reinterpret_cast<unsigned char*>(proof.data()), nullptr))
    std::abort();  // fails only without memory, as new would
  return proof;
}

Result<std::string> counted_bytes(MessageReader& in, std::size_t limit) {
  const std::size_t length = TRY(in.count(limit));
  return in.bytes(length);
}

// A string whose length, which is said twice, is of no use.
Result<std::string> counted_string(MessageReader& in) {
  [[maybe_unused]] const std::int64_t length = TRY(in.integer());
  return in.string();
}

}  // namespace

Akep2Client::Akep2Client(const IdToken& token, std::string nonce)
    : subject_(token.subject),
      signed_part_(token.signed_part),
      key_(master_key(token)),
      nonce_(std::move(nonce)) {}

void Akep2Client::put_hello(MessageWriter& out) const {
  out.integer(0).integer(static_cast<std::int64_t>(subject_.size())).string(subject_);
  out.string(signed_part_).integer(static_cast<std::int64_t>(nonce_.size())).bytes(nonce_);
}

Result<void> Akep2Client::take_challenge(MessageReader& in) {
  const std::int64_t status = TRY(in.integer());
  if (status != 0) {
    refusal_ = Refusal::token;
    return Error{Fault::denied, "the pool refused the token"};
  }
  const std::string subject = TRY(counted_string(in));
  const std::string server = TRY(counted_string(in));
  const std::string nonce = TRY(counted_bytes(in, kNonce));
  peer_nonce_ = TRY(counted_bytes(in, kNonce));
  const std::string proof = TRY(counted_bytes(in, kMaxProof));
  if (subject != subject_ || nonce != nonce_ || peer_nonce_.size() != kNonce)
    return Error{Fault::invalid, "an answer to somebody else's token"};
  const std::string nul(1, '\0');
  if (!equal_secrets(proof, hmac_sha1(key_, subject + " " + server + nul + nonce + peer_nonce_))) {
    refusal_ = Refusal::key;
    return Error{Fault::denied, "the pool does not know the token's signature"};
  }
  return {};
}

void Akep2Client::put_proof(MessageWriter& out) const {
  const std::string proof = hmac_sha1(key_, subject_ + std::string(1, '\0') + peer_nonce_);
  out.integer(0).integer(static_cast<std::int64_t>(subject_.size())).string(subject_);
  out.integer(static_cast<std::int64_t>(peer_nonce_.size())).bytes(peer_nonce_);
  out.integer(static_cast<std::int64_t>(proof.size())).bytes(proof);
}

void Akep2Client::put_failure(MessageWriter& out) {
  out.integer(kFailed).integer(0).string("").integer(0).integer(0);
}

}  // namespace podpilot::agent::htcondor
