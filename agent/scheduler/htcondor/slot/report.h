// SPDX-License-Identifier: Apache-2.0
// What a shadow is told of a job's end. Pure, one table: slug -> hold code, as users' policies test
// them (condor_holdcodes.h of HTCondor).
#pragma once

#include <string>
#include <variant>

#include "agent/job/outcome.h"
#include "agent/scheduler/htcondor/dialogue/codes.h"

namespace podpilot::agent::htcondor {

// The payload ended by itself; its wait(2) status.
struct Exited {
  int wait_status = 0;
};

// Nothing wrong with the job: another try may go well.
struct Requeued {
  std::string reason;
};

// Reason: the job cannot run as it is, its owner has to act.
using JobEnd = std::variant<Exited, Reason, Requeued>;

JobEnd end_of(const Outcome& outcome);

// In HTCondor's units.
struct Consumption {
  double user_cpu = 0;       // seconds
  double system_cpu = 0;     // seconds
  std::int64_t memory = 0;   // KiB, of all processes
  std::int64_t largest = 0;  // KiB, resident, of the largest process
  std::int64_t disk = 0;     // KiB
};

Consumption consumption_of(const Usage& usage);

}  // namespace podpilot::agent::htcondor
