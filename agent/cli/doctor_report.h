// SPDX-License-Identifier: Apache-2.0
// What doctor found, for people and for scripts. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/doctor/finding.h"
#include "agent/doctor/left_open.h"

namespace podpilot::agent {

struct Diagnosis {
  std::vector<Finding> findings;
  bool ready = false;      // jobs can run
  std::string_view rung;   // the best that works; "" for none
  std::string lacks;       // guarantees that it does not give, with commas
  std::string_view users;  // whose jobs a pilot would take: "one" or "any"
  std::vector<LeftOpen> left_open;
};

std::string as_text(const Diagnosis& diagnosis);
std::string as_json(const Diagnosis& diagnosis);

}  // namespace podpilot::agent
