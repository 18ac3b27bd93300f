// SPDX-License-Identifier: Apache-2.0
// The release of HTCondor whose protocol is spoken here. Peers choose by it what they ask of us.
#pragma once

#include <string>
#include <string_view>

namespace podpilot::agent::htcondor {

// 25.0.0: shadows send DEACTIVATE_CLAIM_JOB_DONE (since 24.7) and none of what came after it.
inline constexpr std::string_view kPeerRelease = "25.0.0";

// "$CondorVersion: 25.0.0 2025-10-01 BuildID: podpilot-0.1.0 $", for ads.
std::string condor_version();

}  // namespace podpilot::agent::htcondor
