// SPDX-License-Identifier: Apache-2.0
// CEDAR's packets, in clear and under AES-256-GCM: bytes in, bytes out. Pure.
// A packet is one byte "last of its message", 4 bytes of length (big-endian), and a body.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/scheduler/htcondor/cedar/key.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

inline constexpr std::size_t kPacketHeader = 5;
inline constexpr std::size_t kMaxPacketBody = 1u << 20;  // as received; condor_io/reli_sock.cpp

struct PacketHeader {
  bool last = false;
  std::uint32_t length = 0;  // of the body that follows: 1 to kMaxPacketBody
};

// `bytes` are kPacketHeader long. A length out of range or an unknown flag is Fault::invalid.
Result<PacketHeader> parse_packet_header(std::string_view bytes);

// One connection's packets, both directions. After encrypt() all packets are ciphertext; the first
// of each direction vouches, by digests, for all that went in clear before.
class PacketCodec {
 public:
  PacketCodec();
  PacketCodec(PacketCodec&&) noexcept;
  PacketCodec& operator=(PacketCodec&&) noexcept;
  ~PacketCodec();

  // The whole packet. Fault::invalid where `body` is empty or too large.
  Result<std::string> seal(std::string_view body, bool last);
  // The body. `header` as it was read; Fault::corrupt where it does not prove genuine.
  Result<std::string> open(std::string_view header, std::string_view body);

  void encrypt(const Key& key);
  bool encrypted() const;
  // Forgets what went in clear so far: after SHARED_PORT_CONNECT and CCB_REVERSE_CONNECT, which
  // somebody else than the later peer has read.
  void reset_digests();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace podpilot::agent::htcondor
