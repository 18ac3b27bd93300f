// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/cedar/peer_version.h"

#include <fmt/format.h>

#include "agent/version.h"

namespace podpilot::agent::htcondor {

std::string condor_version() {
  // The day on which that release was made.
  return fmt::format("$CondorVersion: {} 2025-10-01 BuildID: podpilot-{} $", kPeerRelease,
                     build_info().version);
}

}  // namespace podpilot::agent::htcondor
