// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>

#include "agent/scheduler/htcondor/cedar/commands.h"
#include "agent/scheduler/htcondor/cedar/resolve.h"
#include "agent/scheduler/htcondor/cedar/socket_wait.h"
#include "agent/scheduler/htcondor/cedar/stream.h"
#include "sandbox/base/errno.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr const char* kOurName = "podpilot";  // in a shared port's log
// The shared port itself, which then reads all of the connection
// (condor_io/shared_port_client.cpp).
constexpr std::string_view kSharedPortItself = "self";

void set(BorrowedFd socket, int level, int option, int value) {
  ::setsockopt(socket.get(), level, option, &value, sizeof value);
}

Result<UniqueFd> connect_to(const SocketAddress& address, Deadline deadline, BorrowedFd stop) {
  UniqueFd socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!socket) return sys_error("socket");
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  // Connections live for as long as jobs do; firewalls forget silent ones after some minutes.
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, 120);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, 30);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, 4);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                address.length) == 0)
    return socket;
  if (errno != EINPROGRESS) return Error{Fault::transient, sys_error("connect").text};
  const bool ready = TRY(wait_for(socket, POLLOUT, deadline, stop));
  if (!ready) return Error{Fault::transient, "connect: no answer in time"};
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return Error{Fault::transient, sys_error("connect", error).text};
  return socket;
}

// A share of the time for each of `attempts`, so that one dead address does not use it up.
Deadline share(Deadline deadline, std::size_t attempts) {
  if (deadline.at() == Deadline::never().at()) return deadline;
  return Deadline::after((deadline.at() - Clock::now()) / static_cast<long>(attempts));
}

Result<UniqueFd> connect_any(const Sinful& peer, Deadline deadline, BorrowedFd stop) {
  Error last{Fault::invalid, "an address without a host"};
  const std::vector<Endpoint> endpoints = peer.endpoints();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Deadline own = share(deadline, endpoints.size() - i);
    const auto addresses = resolve(endpoints[i], own, stop);
    if (!addresses) last = addresses.error();
    for (std::size_t j = 0; addresses && j < addresses->size(); ++j) {
      auto socket = connect_to((*addresses)[j], share(own, addresses->size() - j), stop);
      if (socket) return socket;
      last = std::move(socket).error();
    }
  }
  if (!peer.ccb_contacts.empty())
    last.text += " (it waits for connections behind a broker, which is not supported)";
  return last;
}

}  // namespace

Result<Stream> Stream::dial(const Sinful& peer, Deadline deadline, BorrowedFd stop) {
  const std::string where = brief(peer);
  auto connected = connect_any(peer, deadline, stop);
  if (!connected) return std::move(connected).error().within(where);
  Stream stream(*std::move(connected), stop);
  if (peer.sock.empty()) return stream;
  // -1: as long as the daemon likes.
  const int seconds = deadline.poll_timeout() < 0 ? -1 : deadline.poll_timeout() / 1000;
  MessageWriter request = stream.writer();
  request.integer(static_cast<int>(Command::shared_port_connect));
  request.string(peer.sock).string(kOurName).integer(seconds).integer(0);
  auto sent = stream.send(request, deadline);
  if (!sent) return std::move(sent).error().within(where);
  if (peer.sock != kSharedPortItself) stream.reset_digests();
  return stream;
}

}  // namespace podpilot::agent::htcondor
