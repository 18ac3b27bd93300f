// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/key.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>  // explicit_bzero

#include <algorithm>
#include <cstdlib>

namespace podpilot::agent::htcondor {
namespace {

using PublicKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* unsigned_bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

}  // namespace

void wipe(std::string& text) {
  text.resize(text.capacity());
  explicit_bzero(text.data(), text.size());
  text.clear();
}

Result<Key> Key::from(std::string_view raw) {
  if (raw.size() != kSize) return Error{Fault::invalid, "a key that is not 32 bytes long"};
  Key key;
  std::copy(raw.begin(), raw.end(), key.bytes_.begin());
  return key;
}

Key::Key(Key&& other) noexcept : bytes_(other.bytes_) {
  explicit_bzero(other.bytes_.data(), kSize);
}

Key& Key::operator=(Key&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = other.bytes_;
  explicit_bzero(other.bytes_.data(), kSize);
  return *this;
}

Key::~Key() {
  explicit_bzero(bytes_.data(), kSize);
}

bool Key::operator==(const Key& other) const {
  return equal_secrets(reveal(), other.reveal());
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// One block of output is all that 32 bytes need.
Key hkdf_sha256(std::string_view secret, std::string_view salt, std::string_view info) {
  static_assert(Key::kSize == 32, "SHA-256 gives 32 bytes a block");
  std::array<unsigned char, Key::kSize> extracted{};
  std::string block(info);
  block += '\x01';
  Key key;
  if (!HMAC(EVP_sha256(), salt.data(), static_cast<int>(salt.size()), unsigned_bytes(secret),
            secret.size(), extracted.data(), nullptr) ||
      !HMAC(EVP_sha256(), extracted.data(), static_cast<int>(extracted.size()),
            unsigned_bytes(block), block.size(),
            reinterpret_cast<unsigned char*>(key.bytes_.data()), nullptr))
    std::abort();  // fails only without memory, as new would
  explicit_bzero(extracted.data(), extracted.size());
  return key;
}

Key session_key(std::string_view secret) {
  return hkdf_sha256(secret, "htcondor", "keygen");
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  // A generator that cannot be seeded leaves nothing that would be safe to do.
  if (RAND_bytes(unsigned_bytes(bytes), static_cast<int>(count)) != 1) std::abort();
  return bytes;
}

struct KeyExchange::Pair {
  PublicKey key{EVP_EC_gen("P-256"), EVP_PKEY_free};
};

KeyExchange::KeyExchange() : pair_(std::make_unique<Pair>()) {
  if (!pair_->key) std::abort();  // fails only without memory, as new would
}
KeyExchange::KeyExchange(KeyExchange&&) noexcept = default;
KeyExchange& KeyExchange::operator=(KeyExchange&&) noexcept = default;
KeyExchange::~KeyExchange() = default;

std::string KeyExchange::public_point() const {
  unsigned char* encoded = nullptr;
  const std::size_t length = EVP_PKEY_get1_encoded_public_key(pair_->key.get(), &encoded);
  std::string point(reinterpret_cast<const char*>(encoded), length);
  OPENSSL_free(encoded);
  return point;
}

Result<Key> KeyExchange::finish(std::string_view peer_point) const {
  const PublicKey peer(EVP_PKEY_new(), EVP_PKEY_free);
  if (!peer || EVP_PKEY_copy_parameters(peer.get(), pair_->key.get()) != 1 ||
      EVP_PKEY_set1_encoded_public_key(peer.get(), unsigned_bytes(peer_point), peer_point.size()) !=
          1)
    return Error{Fault::invalid, "the peer's public key is not a point on P-256"};
  const KeyContext context(EVP_PKEY_CTX_new(pair_->key.get(), nullptr), EVP_PKEY_CTX_free);
  std::size_t length = 0;
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer.get()) != 1 ||
      EVP_PKEY_derive(context.get(), nullptr, &length) != 1)
    return Error{Fault::invalid, "the peer's public key cannot be used"};
  std::string shared(length, '\0');
  const bool derived = EVP_PKEY_derive(context.get(), unsigned_bytes(shared), &length) == 1;
  shared.resize(derived ? length : 0);
  Key key = session_key(shared);
  wipe(shared);
  if (!derived) return Error{Fault::invalid, "the peer's public key cannot be used"};
  return key;
}

}  // namespace podpilot::agent::htcondor
