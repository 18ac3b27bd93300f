// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <microhttpd.h>
#include <sys/socket.h>

#include <cstring>
#include <mutex>
#include <string>
#include <utility>

#include "sandbox/base/errno.h"
#include "sandbox/base/fd.h"

namespace podpilot::agent {
namespace {

// More than a kubelet and a few scrapers ever have open; one that says nothing is cut off.
constexpr unsigned kMaxConnections = 32;
constexpr unsigned kIdleSeconds = 10;
constexpr std::size_t kConnectionBytes = 16 << 10;

constexpr std::string_view kPlain = "text/plain; charset=utf-8";
constexpr std::string_view kExposition = "text/plain; version=0.0.4; charset=utf-8";

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

SocketAddress socket_address(const ListenAddress& address) {
  SocketAddress out;
  if (address.host.find(':') == std::string::npos && !address.host.empty()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    ::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr);
    std::memcpy(&out.bytes, &v4, sizeof v4);
    out.size = sizeof v4;
    return out;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  v6.sin6_addr = in6addr_any;
  if (!address.host.empty()) ::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr);
  std::memcpy(&out.bytes, &v6, sizeof v6);
  out.size = sizeof v6;
  return out;
}

Result<UniqueFd> bound_socket(const SocketAddress& address) {
  UniqueFd fd(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket");
  constexpr int on = 1;
  constexpr int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.bytes.ss_family == AF_INET6)  // "::" is for IPv4 as well
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0)
    return sys_error("bind");
  if (::listen(fd.get(), kMaxConnections) != 0) return sys_error("listen");
  return fd;
}

// A pod without IPv6 has no "::".
Result<UniqueFd> listening_socket(const ListenAddress& address) {
  Result<UniqueFd> fd = bound_socket(socket_address(address));
  if (fd || !address.host.empty()) return fd;
  Result<UniqueFd> v4 = bound_socket(socket_address({.host = "0.0.0.0", .port = address.port}));
  return v4 ? std::move(v4) : std::move(fd);
}

Page liveness(const Snapshot& snapshot, Clock::time_point now) {
  const std::chrono::duration<double> age = now - snapshot.taken;
  return {.status = age < kHung ? 200U : 503U,
          .type = kPlain,
          .body = fmt::format("the loop turned {:.1f} s ago\n", age.count())};
}

Page readiness(const Snapshot& snapshot) {
  Page out{.status = snapshot.ready() ? 200U : 503U, .type = kPlain, .body = {}};
  for (const Check& check : snapshot.checks)
    out.body += check.trouble.empty() ? fmt::format("[+]{} ok\n", check.name)
                                      : fmt::format("[-]{}: {}\n", check.name, check.trouble);
  return out;
}

}  // namespace

bool Snapshot::ready() const {
  for (const Check& check : checks)
    if (!check.trouble.empty()) return false;
  return true;
}

Page page(std::string_view path, const Snapshot& snapshot, Clock::time_point now) {
  if (path == "/livez") return liveness(snapshot, now);
  if (path == "/readyz") return readiness(snapshot);
  if (path == "/metrics") return {.status = 200, .type = kExposition, .body = snapshot.metrics};
  return {.status = 404, .type = kPlain, .body = "/livez, /readyz or /metrics\n"};
}

struct MetricsServer::State {
  std::mutex mutex;
  std::shared_ptr<const Snapshot> snapshot;
  std::uint16_t port = 0;
  MHD_Daemon* daemon = nullptr;

  std::shared_ptr<const Snapshot> current() {
    const std::lock_guard lock(mutex);
    return snapshot;
  }

  static MHD_Result answer(void* self, MHD_Connection* connection, const char* url,
                           const char* method, const char*, const char*, std::size_t*, void**) {
    const bool get = std::string_view(method) == MHD_HTTP_METHOD_GET;
    if (!get && std::string_view(method) != MHD_HTTP_METHOD_HEAD) return MHD_NO;
    Page out = page(url, *static_cast<State*>(self)->current(), Clock::now());
    MHD_Response* response =
        MHD_create_response_from_buffer(out.body.size(), out.body.data(), MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, std::string(out.type).c_str());
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    const MHD_Result queued = MHD_queue_response(connection, out.status, response);
    MHD_destroy_response(response);
    return queued;
  }
};

MetricsServer::MetricsServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

MetricsServer::~MetricsServer() {
  MHD_stop_daemon(state_->daemon);
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const ListenAddress& address,
                                                            Snapshot first) {
  UniqueFd socket = TRY(
      listening_socket(address).within(fmt::format("listen on {}:{}", address.host, address.port)));
  auto state = std::make_unique<State>();
  state->snapshot = std::make_shared<const Snapshot>(std::move(first));
  // Closes the socket when it stops; of a daemon that does not start it is still ours.
  state->daemon = MHD_start_daemon(
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, nullptr, nullptr, &State::answer,
      state.get(), MHD_OPTION_LISTEN_SOCKET, socket.get(), MHD_OPTION_CONNECTION_LIMIT,
      kMaxConnections, MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes, MHD_OPTION_END);
  if (!state->daemon)
    return Error{Fault::internal, "the server of probes and metrics does not start"};
  [[maybe_unused]] const int owned = socket.release();
  const MHD_DaemonInfo* info = MHD_get_daemon_info(state->daemon, MHD_DAEMON_INFO_BIND_PORT);
  state->port = info ? info->port : address.port;
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(state)));
}

std::uint16_t MetricsServer::port() const {
  return state_->port;
}

void MetricsServer::show(Snapshot snapshot) {
  auto next = std::make_shared<const Snapshot>(std::move(snapshot));
  const std::lock_guard lock(state_->mutex);
  state_->snapshot = std::move(next);
}

}  // namespace podpilot::agent
