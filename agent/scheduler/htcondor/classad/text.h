// SPDX-License-Identifier: Apache-2.0
// Ads as lines "Name = expression": .job.ad and .machine.ad of a job, an operator's attribute file.
#pragma once

#include <string>
#include <string_view>

#include "agent/scheduler/htcondor/classad/ad.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// Names that daemons keep to themselves: claim ids, transfer keys, all that begin with
// _condor_priv.
bool is_secret(std::string_view name);

// One "Name = expression" without its line feed.
Result<void> add_line(Ad& ad, std::string_view line);
std::string line_of(std::string_view name, std::string_view expression);

// Sorted by name, a line each, without secrets.
std::string format_ad(const Ad& ad);
// Empty lines and lines that begin with # are left out. Errors name the line.
Result<Ad> parse_ad(std::string_view text);
// An operator's file: as parse_ad, each expression checked (Ad::set_checked_expression).
Result<Ad> parse_checked_ad(std::string_view text);

}  // namespace podpilot::agent::htcondor
