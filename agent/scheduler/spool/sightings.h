// SPDX-License-Identifier: Apache-2.0
// How long an observer has seen a thing unchanged, on its own monotonic clock: the only way in
// which a spool measures time across hosts.
#pragma once

#include <map>
#include <set>
#include <string>

#include "sandbox/base/deadline.h"

namespace podpilot::agent::spool {

class Sightings {
 public:
  // An observer that looked away for longer than `max_gap` (it was stopped, or the file server
  // was) starts again: whoever should have renewed may not have been able to either.
  explicit Sightings(Clock::duration max_gap) : max_gap_(max_gap) {}

  // `value` was seen under `name` at `now`: how long it has been so.
  Clock::duration observe(const std::string& name, const std::string& value, Clock::time_point now);
  // Forgets all other names.
  void keep_only(const std::set<std::string>& names);
  std::size_t size() const { return seen_.size(); }

 private:
  struct Sighting {
    std::string value;
    Clock::time_point first;
    Clock::time_point last;
  };
  Clock::duration max_gap_;
  std::map<std::string, Sighting> seen_;
};

}  // namespace podpilot::agent::spool
