// SPDX-License-Identifier: Apache-2.0
// Registry and scheduler, where they are named.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/doctor/finding.h"
#include "agent/scheduler/htcondor/cedar/sinful.h"
#include "agent/scheduler/htcondor/security/token.h"

namespace podpilot::agent {

struct RegistryCheck {
  std::vector<Finding> findings;
  bool resolves = true;
  std::optional<std::chrono::system_clock::time_point> date;  // of its clock
};

// `image` is a whole one, whose manifest is fetched, or "HOST/".
RegistryCheck check_registry(const std::string& image, const std::vector<std::string>& credentials);

Finding check_spool(const std::string& path);
// Makes a session that nothing is sent in.
Finding check_collector(const htcondor::Sinful& collector, const htcondor::TokenSource& tokens);

}  // namespace podpilot::agent
