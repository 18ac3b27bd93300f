// SPDX-License-Identifier: Apache-2.0
#include "agent/job/registry_waits.h"

#include <algorithm>

namespace podpilot::agent {

void RegistryWaits::note(const std::string& registry, Clock::duration wait, Clock::time_point now) {
  std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
  Clock::time_point& until = until_[registry];
  until = std::max(until, now + wait);
}

Clock::duration RegistryWaits::left(const std::string& registry, Clock::time_point now) const {
  const auto found = until_.find(registry);
  if (found == until_.end()) return Clock::duration::zero();
  return std::max(Clock::duration::zero(), found->second - now);
}

}  // namespace podpilot::agent
