// SPDX-License-Identifier: Apache-2.0
// What a job ad can ask for that podpilot cannot do: one table, for the slots' Start and for the
// reason of a hold.
#pragma once

#include <optional>
#include <string>

#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/dialogue/codes.h"

namespace podpilot::agent::htcondor {

// "TARGET.WantDocker =!= true && ...": true with a job that asks for none of it.
std::string supported_expression();

// The first thing that the job asks for.
std::optional<Reason> unsupported(const Ad& job);

}  // namespace podpilot::agent::htcondor
