// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/resolve.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>

#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kMaxAddresses = 16;

SocketAddress socket_address(const auto& address) {
  SocketAddress out;
  std::memcpy(&out.storage, &address, sizeof address);
  out.length = sizeof address;
  return out;
}

std::optional<SocketAddress> numeric(const Endpoint& endpoint) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(endpoint.port);
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &v4.sin_addr) == 1) return socket_address(v4);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  if (::inet_pton(AF_INET6, endpoint.host.c_str(), &v6.sin6_addr) == 1) return socket_address(v6);
  return std::nullopt;
}

struct Lookup {
  int status = ARES_SUCCESS;
  bool done = false;
  std::vector<SocketAddress> found;
};

void take(void* argument, int status, int, ares_addrinfo* result) {
  auto& lookup = *static_cast<Lookup*>(argument);
  lookup.done = true;
  lookup.status = status;
  if (!result) return;
  for (const ares_addrinfo_node* node = result->nodes; node && lookup.found.size() < kMaxAddresses;
       node = node->ai_next) {
    SocketAddress address;
    address.length = static_cast<socklen_t>(node->ai_addrlen);
    std::memcpy(&address.storage, node->ai_addr,
                std::min<std::size_t>(node->ai_addrlen, sizeof address.storage));
    lookup.found.push_back(address);
  }
  ares_freeaddrinfo(result);
}

using Channel = std::unique_ptr<ares_channeldata, decltype(&ares_destroy)>;

// One turn of the library's own sockets.
Result<void> turn(ares_channel channel, Deadline deadline, BorrowedFd stop) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const int wanted = ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM);
  std::vector<pollfd> watched{{stop.get(), POLLIN, 0}};
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    short events = 0;
    if (ARES_GETSOCK_READABLE(wanted, i)) events |= POLLIN;
    if (ARES_GETSOCK_WRITABLE(wanted, i)) events |= POLLOUT;
    if (events != 0) watched.push_back({sockets.at(static_cast<std::size_t>(i)), events, 0});
  }
  timeval longest{1, 0};
  timeval room{};
  const timeval* next = ares_timeout(channel, &longest, &room);
  const auto pause = std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec);
  if (::poll(watched.data(), watched.size(),
             Deadline::after(pause).earliest(deadline).poll_timeout()) < 0 &&
      errno != EINTR)
    return sys_error("poll");
  if (watched[0].revents != 0) return Error{Fault::transient, "stopped"};
  for (std::size_t i = 1; i < watched.size(); ++i) {
    const pollfd& one = watched[i];
    const bool in = (one.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool out = (one.revents & (POLLOUT | POLLERR | POLLHUP)) != 0;
    ares_process_fd(channel, in ? one.fd : ARES_SOCKET_BAD, out ? one.fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its timers
  return {};
}

}  // namespace

Result<std::vector<SocketAddress>> resolve(const Endpoint& endpoint, Deadline deadline,
                                           BorrowedFd stop) {
  if (const auto address = numeric(endpoint)) return std::vector{*address};
  Lookup lookup;  // before the channel: destroying that calls back
  ares_channel raw = nullptr;
  if (ares_init(&raw) != ARES_SUCCESS)
    return Error{Fault::internal, "the resolver cannot be started"};
  const Channel channel(raw, ares_destroy);
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NUMERICSERV;
  ares_getaddrinfo(channel.get(), endpoint.host.c_str(), std::to_string(endpoint.port).c_str(),
                   &hints, take, &lookup);
  const std::string name = "host " + printable(endpoint.host);
  while (!lookup.done) {
    if (deadline.passed()) return Error{Fault::transient, name + ": no answer from DNS in time"};
    TRY(turn(channel.get(), deadline, stop));
  }
  if (lookup.status == ARES_ENOTFOUND || lookup.status == ARES_ENODATA)
    return Error{Fault::not_found, name + ": no such host"};
  if (lookup.status != ARES_SUCCESS || lookup.found.empty())
    return Error{Fault::transient, name + ": " + ares_strerror(lookup.status)};
  return std::move(lookup.found);
}

}  // namespace podpilot::agent::htcondor
