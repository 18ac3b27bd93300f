// SPDX-License-Identifier: Apache-2.0
// What a startd tells a collector about itself and its slots.
#pragma once

#include <string>

#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/security/security.h"

namespace podpilot::agent::htcondor {

// Publishes a slot, or renews it. `secret` is its private half (Name, MyAddress, StartdIpAddr,
// Capability, ClaimId): its name and address must be those of `slot`. The collector does not
// answer: success says that it was sent.
Result<void> update_slot(Security& security, const Sinful& collector, const Ad& slot,
                         const Ad& secret, Deadline deadline, BorrowedFd stop);

// The same for the startd's own ad, by which administrators' tools find it. Collectors know such
// ads from 23.2 on.
Result<void> update_daemon(Security& security, const Sinful& collector, const Ad& daemon,
                           Deadline deadline, BorrowedFd stop);

// Takes a slot back. `address` is the MyAddress of its ad.
Result<void> invalidate_slot(Security& security, const Sinful& collector, const std::string& name,
                             const std::string& address, Deadline deadline, BorrowedFd stop);
Result<void> invalidate_daemon(Security& security, const Sinful& collector, const std::string& name,
                               const std::string& address, Deadline deadline, BorrowedFd stop);

}  // namespace podpilot::agent::htcondor
