// SPDX-License-Identifier: Apache-2.0
// One connection to a peer that speaks CEDAR: whole messages, with deadlines, interruptible.
//
// Errors of everything here: Fault::transient where a deadline passed, `stop` became readable
// ("stopped"), or the network failed; Fault::not_found where the peer has closed between two
// messages; Fault::invalid where it broke the protocol; Fault::corrupt where a packet is not
// genuine. After an error the stream is of no use.
#pragma once

#include <string_view>

#include "agent/scheduler/htcondor/cedar/key.h"
#include "agent/scheduler/htcondor/cedar/message.h"
#include "agent/scheduler/htcondor/cedar/packet.h"
#include "agent/scheduler/htcondor/cedar/sinful.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// For receive(): what carries ads, and what carries a few values.
inline constexpr std::size_t kMaxAdMessage = 16u << 20;
inline constexpr std::size_t kMaxSmallMessage = 64u << 10;

// Not thread-safe: one thread at a time.
class Stream {
 public:
  // Resolves, connects (each address in turn), and asks a shared port for the daemon that
  // `peer.sock` names. Brokers are not asked: the error of a peer that has one says so.
  // `stop` (may be none) must outlive the stream.
  static Result<Stream> dial(const Sinful& peer, Deadline deadline, BorrowedFd stop);
  // A connected TCP or unix stream socket; it becomes non-blocking.
  Stream(UniqueFd connected, BorrowedFd stop);
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;

  // With the coding that is in force now.
  MessageWriter writer() const;
  // An empty message is Fault::invalid: CEDAR has none.
  Result<void> send(const MessageWriter& message, Deadline deadline);
  // The next whole message of at most `limit` bytes; a larger one is Fault::invalid.
  Result<MessageReader> receive(std::size_t limit, Deadline deadline);
  // Whether the peer has sent something (or closed) before `deadline`; false where not.
  Result<bool> wait(Deadline deadline);

  // AES-256-GCM both ways from the next packet on.
  void encrypt(const Key& key) { codec_.encrypt(key); }
  bool encrypted() const { return codec_.encrypted(); }
  void reset_digests() { codec_.reset_digests(); }
  BorrowedFd socket() const { return socket_; }
  BorrowedFd stop() const { return stop_; }

 private:
  Result<void> write_all(std::string_view bytes, Deadline deadline);
  // Nothing read at all, because the peer closed: false.
  Result<bool> read_exactly(char* to, std::size_t count, Deadline deadline);

  UniqueFd socket_;
  BorrowedFd stop_;
  PacketCodec codec_;
};

}  // namespace podpilot::agent::htcondor
