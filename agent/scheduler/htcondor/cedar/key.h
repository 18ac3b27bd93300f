// SPDX-License-Identifier: Apache-2.0
// Keys and what makes them: random bytes, HKDF-SHA256 (RFC 5869), ECDH on P-256.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// 32 bytes, wiped when it ends and when it is moved from. There is no way to print it by accident.
class Key {
 public:
  static constexpr std::size_t kSize = 32;

  Key() = default;  // all zero
  // Anything but 32 bytes is Fault::invalid.
  static Result<Key> from(std::string_view raw);
  Key(const Key&) = default;
  Key(Key&& other) noexcept;
  Key& operator=(const Key&) = default;
  Key& operator=(Key&& other) noexcept;
  ~Key();

  // For the one place that computes with it.
  std::string_view reveal() const { return {bytes_.data(), bytes_.size()}; }
  bool operator==(const Key& other) const;  // in constant time

 private:
  friend Key hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info);
  std::array<char, kSize> bytes_{};
};

Key hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info);

// The key of a session whose secret is `secret`: HKDF with HTCondor's salt and info
// (condor_io/condor_secman.cpp, FinishKeyExchange and CreateNonNegotiatedSecuritySession).
Key session_key(std::string_view secret);

std::string random_bytes(std::size_t count);

// Overwrites all that `text` holds or held, and empties it.
void wipe(std::string& text);

// Equal, in a time that depends on the lengths only.
bool equal_secrets(std::string_view a, std::string_view b);

// One side of an ephemeral Diffie-Hellman exchange on P-256.
class KeyExchange {
 public:
  KeyExchange();
  KeyExchange(KeyExchange&&) noexcept;
  KeyExchange& operator=(KeyExchange&&) noexcept;
  ~KeyExchange();

  // The uncompressed point, 65 bytes.
  std::string public_point() const;
  // The key that both sides share. A peer's point that is not on the curve is Fault::invalid.
  Result<Key> finish(std::string_view peer_point) const;

 private:
  struct Pair;
  std::unique_ptr<Pair> pair_;
};

}  // namespace podpilot::agent::htcondor
