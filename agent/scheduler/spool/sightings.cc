// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/spool/sightings.h"

namespace podpilot::agent::spool {

Clock::duration Sightings::observe(const std::string& name, const std::string& value,
                                   Clock::time_point now) {
  const auto [entry, is_new] = seen_.try_emplace(name, Sighting{value, now, now});
  Sighting& sighting = entry->second;
  if (!is_new && (sighting.value != value || now - sighting.last > max_gap_))
    sighting = Sighting{value, now, now};
  sighting.last = now;
  return now - sighting.first;
}

void Sightings::keep_only(const std::set<std::string>& names) {
  std::erase_if(seen_, [&](const auto& entry) { return !names.contains(entry.first); });
}

}  // namespace podpilot::agent::spool
