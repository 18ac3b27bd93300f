// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "agent/scheduler/htcondor/cedar/socket_wait.h"
#include "sandbox/base/errno.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kSendBody = 256u << 10;  // of one packet; a chunk of a file is one
constexpr std::size_t kMaxOverhead = 32;       // what encryption adds to a packet

Error closed() {
  return {Fault::not_found, "the peer has closed the connection"};
}
Error cut_off() {
  return {Fault::transient, "the peer closed in the middle of a message"};
}
Error overdue() {
  return {Fault::transient, "the peer did not answer in time"};
}

}  // namespace

Stream::Stream(UniqueFd connected, BorrowedFd stop) : socket_(std::move(connected)), stop_(stop) {
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

MessageWriter Stream::writer() const {
  return MessageWriter(encrypted() ? Coding::encrypted : Coding::clear);
}

Result<bool> Stream::wait(Deadline deadline) {
  return wait_for(socket_, POLLIN, deadline, stop_);
}

Result<void> Stream::send(const MessageWriter& message, Deadline deadline) {
  std::string_view rest = message.body();
  do {
    const std::string_view body = rest.substr(0, kSendBody);
    rest.remove_prefix(body.size());
    const std::string packet = TRY(codec_.seal(body, rest.empty()));
    TRY(write_all(packet, deadline));
  } while (!rest.empty());
  return {};
}

Result<void> Stream::write_all(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EPIPE) return closed();
    if (errno != EAGAIN && errno != EINTR) return Error{Fault::transient, sys_error("send").text};
    const bool ready = TRY(wait_for(socket_, POLLOUT, deadline, stop_));
    if (!ready) return Error{Fault::transient, "the peer did not read in time"};
  }
  return {};
}

Result<bool> Stream::read_exactly(char* to, std::size_t count, Deadline deadline) {
  for (std::size_t have = 0; have < count;) {
    const ssize_t n = ::recv(socket_.get(), to + have, count - have, 0);
    if (n == 0 && have == 0) return false;
    if (n == 0) return cut_off();
    if (n > 0) {
      have += static_cast<std::size_t>(n);
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return Error{Fault::transient, sys_error("recv").text};
    const bool ready = TRY(wait_for(socket_, POLLIN, deadline, stop_));
    if (!ready) return overdue();
  }
  return true;
}

Result<MessageReader> Stream::receive(std::size_t limit, Deadline deadline) {
  std::string message;
  for (bool last = false; !last;) {
    std::string raw(kPacketHeader, '\0');
    const bool more = TRY(read_exactly(raw.data(), raw.size(), deadline));
    if (!more) return message.empty() ? closed() : cut_off();
    const PacketHeader header = TRY(parse_packet_header(raw));
    const std::size_t overhead = encrypted() ? kMaxOverhead : 0;
    if (header.length > limit - message.size() + overhead)
      return Error{Fault::invalid, fmt::format("a message of more than {} bytes", limit)};
    std::string body(header.length, '\0');
    const bool whole = TRY(read_exactly(body.data(), body.size(), deadline));
    if (!whole) return cut_off();
    std::string opened = TRY(codec_.open(raw, body));
    last = header.last;
    // An encrypted packet can be empty: a message of such packets alone would have no end.
    if (opened.empty() && !last) return Error{Fault::invalid, "an empty packet"};
    if (message.empty())
      message = std::move(opened);  // no second copy of what may be secret
    else
      message += opened;
    if (message.size() > limit)
      return Error{Fault::invalid, fmt::format("a message of more than {} bytes", limit)};
  }
  return MessageReader(std::move(message), encrypted() ? Coding::encrypted : Coding::clear);
}

}  // namespace podpilot::agent::htcondor
