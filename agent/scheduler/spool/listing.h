// SPDX-License-Identifier: Apache-2.0
// Jobs as `podpilot queue` shows them. Calls block.
#pragma once

#include <string>
#include <vector>

#include "agent/scheduler/spool/folder.h"
#include "sandbox/base/json.h"

namespace podpilot::agent::spool {

// One object a job, oldest first, with all the keys that FORMAT.md lists under "queue --json".
// `ids` picks jobs (Fault::not_found); none picks all.
Result<std::vector<Json>> list_jobs(const Folder& spool, const std::vector<std::string>& ids);

// For people: a table of several jobs, everything about one.
std::string as_table(const std::vector<Json>& jobs);
std::string as_details(const Json& job);

}  // namespace podpilot::agent::spool
