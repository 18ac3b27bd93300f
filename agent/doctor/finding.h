// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "agent/doctor/remedies.h"

namespace podpilot::agent {

enum class Mark { good, bad, note };  // a note is worth knowing and stops nothing

struct Finding {
  std::string name;
  Mark mark;
  std::string detail;
  Remedy remedy = {};
  std::string gains =
      {};  // of a rung that is not to be had: what it would give beyond the best one
};

}  // namespace podpilot::agent
