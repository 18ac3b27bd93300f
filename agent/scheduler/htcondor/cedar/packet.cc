// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/packet.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstdlib>

namespace podpilot::agent::htcondor {
namespace {

constexpr int kHighestFlag = 10;  // every flag but 0 ends a message
constexpr std::size_t kIv = 16;   // twice the usual, as HTCondor has it
constexpr std::size_t kTag = 16;
constexpr std::size_t kDigest = 32;

using Digester = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const unsigned char* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* unsigned_bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string header_of(std::size_t length, bool last) {
  std::string header(1, last ? '\x01' : '\0');
  for (int shift = 24; shift >= 0; shift -= 8) header += static_cast<char>(length >> shift & 0xff);
  return header;
}

std::uint32_t big_endian(std::string_view four) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(four[i]);
  return value;
}

// What went one way in clear; 32 zero bytes where that was nothing.
class ClearDigest {
 public:
  ClearDigest() { reset(); }
  void reset() {
    any_ = false;
    // Fails only without memory, as new would.
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) std::abort();
  }
  void add(std::string_view bytes) {
    any_ = true;
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  }
  std::string finish() {
    std::string digest(kDigest, '\0');
    if (any_) EVP_DigestFinal_ex(context_.get(), unsigned_bytes(digest), nullptr);
    return digest;
  }

 private:
  Digester context_{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  bool any_ = false;
};

// The packets of one direction under one key.
class Gcm {
 public:
  // `digests` go in front of the first packet's header in what the tag covers.
  Gcm(const Key& key, std::string digests) : key_(key), digests_(std::move(digests)) {
    if (!cipher_) std::abort();  // fails only without memory, as new would
  }

  std::size_t overhead() const { return count_ == 0 ? kIv + kTag : kTag; }

  Result<std::string> seal(std::string_view header, std::string_view body) {
    const bool first = count_ == 0;
    if (first) base_ = random_bytes(kIv);
    const std::string iv = TRY(next_iv());
    std::string out = first ? iv : std::string();
    const std::size_t start = out.size();
    out.resize(start + body.size() + kTag);
    unsigned char* to = unsigned_bytes(out) + start;
    const std::string covered = cover(header, first);
    int length = 0;
    if (!begin(iv, true) ||
        EVP_EncryptUpdate(cipher_.get(), nullptr, &length, unsigned_bytes(covered),
                          static_cast<int>(covered.size())) != 1 ||
        EVP_EncryptUpdate(cipher_.get(), to, &length, unsigned_bytes(body),
                          static_cast<int>(body.size())) != 1 ||
        EVP_EncryptFinal_ex(cipher_.get(), to + length, &length) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher_.get(), EVP_CTRL_AEAD_GET_TAG, kTag, to + body.size()) != 1)
      return Error{Fault::internal, "a packet cannot be encrypted"};
    return out;
  }

  Result<std::string> open(std::string_view header, std::string_view body) {
    const bool first = count_ == 0;
    if (body.size() < overhead())
      return Error{Fault::invalid, "a packet that is too short to be encrypted"};
    if (first) {
      base_ = body.substr(0, kIv);
      body.remove_prefix(kIv);
    }
    const std::string iv = TRY(next_iv());
    std::string tag(body.substr(body.size() - kTag));
    body.remove_suffix(kTag);
    std::string out(body.size(), '\0');
    const std::string covered = cover(header, first);
    int length = 0;
    if (!begin(iv, false) ||
        EVP_DecryptUpdate(cipher_.get(), nullptr, &length, unsigned_bytes(covered),
                          static_cast<int>(covered.size())) != 1 ||
        EVP_DecryptUpdate(cipher_.get(), unsigned_bytes(out), &length, unsigned_bytes(body),
                          static_cast<int>(body.size())) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher_.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) != 1 ||
        EVP_DecryptFinal_ex(cipher_.get(), unsigned_bytes(out) + length, &length) != 1)
      return Error{Fault::corrupt, "a packet that was not encrypted with the session's key"};
    return out;
  }

 private:
  bool begin(const std::string& iv, bool encrypt) {
    return EVP_CipherInit_ex(cipher_.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr,
                             encrypt) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher_.get(), EVP_CTRL_AEAD_SET_IVLEN, kIv, nullptr) == 1 &&
           EVP_CipherInit_ex(cipher_.get(), nullptr, nullptr, unsigned_bytes(key_.reveal()),
                             unsigned_bytes(iv), encrypt) == 1;
  }
  std::string cover(std::string_view header, bool first) const {
    std::string covered = first ? digests_ : std::string();
    return covered.append(header);
  }
  // The base's first four bytes count the packets.
  Result<std::string> next_iv() {
    if (count_ == 0xffffffff)
      return Error{Fault::transient, "a connection with more packets than a key is good for"};
    std::string iv = header_of(big_endian(base_) + count_, false).substr(1) + base_.substr(4);
    ++count_;
    return iv;
  }

  Key key_;
  std::string digests_;
  Cipher cipher_{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
  std::string base_;
  std::uint32_t count_ = 0;
};

}  // namespace

Result<PacketHeader> parse_packet_header(std::string_view bytes) {
  if (bytes.size() != kPacketHeader)
    return Error{Fault::internal, "a packet's header is 5 bytes long"};
  const int flag = static_cast<unsigned char>(bytes[0]);
  const std::uint32_t length = big_endian(bytes.substr(1));
  if (flag > kHighestFlag) return Error{Fault::invalid, "what came is no packet of CEDAR"};
  if (length == 0 || length > kMaxPacketBody)
    return Error{Fault::invalid, fmt::format("a packet of {} bytes", length)};
  return PacketHeader{flag != 0, length};
}

struct PacketCodec::State {
  ClearDigest sent;
  ClearDigest received;
  std::unique_ptr<Gcm> outbound;  // none: in clear
  std::unique_ptr<Gcm> inbound;
};

PacketCodec::PacketCodec() : state_(std::make_unique<State>()) {}
PacketCodec::PacketCodec(PacketCodec&&) noexcept = default;
PacketCodec& PacketCodec::operator=(PacketCodec&&) noexcept = default;
PacketCodec::~PacketCodec() = default;

Result<std::string> PacketCodec::seal(std::string_view body, bool last) {
  const std::size_t length = body.size() + (encrypted() ? state_->outbound->overhead() : 0);
  if (body.empty() || length > kMaxPacketBody)
    return Error{Fault::invalid, fmt::format("a packet of {} bytes", length)};
  std::string packet = header_of(length, last);
  if (encrypted()) {
    const std::string sealed = TRY(state_->outbound->seal(packet, body));
    return packet.append(sealed);
  }
  packet.append(body);
  state_->sent.add(packet);
  return packet;
}

Result<std::string> PacketCodec::open(std::string_view header, std::string_view body) {
  if (encrypted()) return state_->inbound->open(header, body);
  state_->received.add(header);
  state_->received.add(body);
  return std::string(body);
}

void PacketCodec::encrypt(const Key& key) {
  const std::string sent = state_->sent.finish();
  const std::string received = state_->received.finish();
  state_->outbound = std::make_unique<Gcm>(key, sent + received);
  state_->inbound = std::make_unique<Gcm>(key, received + sent);
}

bool PacketCodec::encrypted() const {
  return state_->outbound != nullptr;
}

void PacketCodec::reset_digests() {
  state_->sent.reset();
  state_->received.reset();
}

}  // namespace podpilot::agent::htcondor
