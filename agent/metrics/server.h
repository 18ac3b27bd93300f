// SPDX-License-Identifier: Apache-2.0
// GET /livez, /readyz and /metrics over plain HTTP, by libmicrohttpd on a thread of its own. It
// shows the last snapshot that the pilot made and asks it nothing: a probe costs the poll loop no
// time, and a loop that hangs is seen.
//
//   /livez    200 while the loop turns, else 503; its body is the age of the last turn
//   /readyz   200 if every check is good, else 503; a line for each: "[+]cache ok", "[-]cache: why"
//   /metrics  metrics.h in Prometheus' text format
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/metrics/listen_address.h"
#include "agent/metrics/metrics.h"
#include "sandbox/base/deadline.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

struct Snapshot {
  std::vector<Check> checks;
  std::string metrics;
  Clock::time_point taken;  // when the loop turned last

  bool ready() const;
};

struct Page {
  unsigned status = 200;
  std::string_view type;
  std::string body;
};

// The loop takes a snapshot every second; none for so long means that it hangs.
inline constexpr std::chrono::seconds kHung{30};

// Pure. Of a path that is not served: status 404.
Page page(std::string_view path, const Snapshot& snapshot, Clock::time_point now);

class MetricsServer {
 public:
  // Signals that the pilot waits for must be blocked already: the thread inherits that.
  static Result<std::unique_ptr<MetricsServer>> start(const ListenAddress& address, Snapshot first);
  ~MetricsServer();

  std::uint16_t port() const;
  // From any thread.
  void show(Snapshot snapshot);

 private:
  struct State;
  explicit MetricsServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace podpilot::agent
