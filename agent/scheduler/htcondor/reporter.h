// SPDX-License-Identifier: Apache-2.0
// Keeps the collectors informed of the pilot and its slots. Each has a thread of its own, so that
// one that does not answer delays no other; what changed while a report was under way goes out with
// the next.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/security/security.h"
#include "agent/scheduler/htcondor/stop.h"
#include "agent/worker.h"
#include "sandbox/base/poller.h"

namespace podpilot::agent::htcondor {

struct Report {
  std::string name;
  std::string address;
  Ad ad;
  std::optional<Ad> secret;  // of a slot; nothing: the pilot's own ad
};

class Reporter {
 public:
  // All collectors refuse us, and will go on to do so. Called once, on the loop.
  using Refused = std::function<void(Error why)>;
  // Poller and security outlive this.
  static Result<std::unique_ptr<Reporter>> create(Poller& poller, Security& security,
                                                  const std::vector<Sinful>& collectors,
                                                  Refused refused);
  ~Reporter();

  // All ads as they are now, in the place of what still waits. One that was told before and is not
  // among them is taken back.
  void tell(const std::vector<Report>& reports);
  // Why no collector knows our slots, in one line; "" where one does.
  std::string trouble() const;
  // Takes all back and waits for that, or until the deadline.
  void farewell(Deadline deadline);

 private:
  class Collector;
  Reporter() = default;
  void one_refused();

  std::shared_ptr<Stop> stop_;
  Refused refused_;
  std::vector<std::unique_ptr<Collector>> collectors_;
};

}  // namespace podpilot::agent::htcondor
