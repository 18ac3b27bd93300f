// SPDX-License-Identifier: Apache-2.0
// Which registries said that they are asked too much, and until when they are left alone: what one
// pull was told counts for the next one. Pure.
#pragma once

#include <map>
#include <string>

#include "sandbox/base/deadline.h"

namespace podpilot::agent {

class RegistryWaits {
 public:
  // "Not for `wait` from now": the longest counts.
  void note(const std::string& registry, Clock::duration wait, Clock::time_point now);
  // How long still; zero: ask.
  Clock::duration left(const std::string& registry, Clock::time_point now) const;

 private:
  // Times that have passed are forgotten, so that it is no longer than jobs name registries
  // meanwhile.
  std::map<std::string, Clock::time_point> until_;
};

}  // namespace podpilot::agent
