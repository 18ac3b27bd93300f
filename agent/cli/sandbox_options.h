// SPDX-License-Identifier: Apache-2.0
// --sandbox and --require-isolation.
#pragma once

#include "agent/cli/options.h"
#include "agent/sandbox_choice.h"

namespace podpilot::agent {

// Fault::invalid names the option.
Result<SandboxWish> sandbox_wish(const Options& options);

// For a process whose memory and descriptors payloads of its own uid must not reach (prctl(2)): it
// cannot be traced, its /proc entry is root's, and it leaves no core dump.
void hide_process();

}  // namespace podpilot::agent
