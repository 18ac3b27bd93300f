// SPDX-License-Identifier: Apache-2.0
// What a payload can do, or cannot have, in a pod because of its rung: "not promised", item by
// item. test/pods holds each against what payloads did in real pods (left_open.tsv).
#pragma once

#include <string_view>
#include <vector>

#include "sandbox/rung.h"

namespace podpilot::agent {

// All that it depends on.
struct Standing {
  sandbox::Rung rung = sandbox::Rung::userns;
  int landlock_abi = 0;
  bool carries_out = false;   // changes of metadata (call_service.h)
  bool holds_memory = false;  // jobs have control groups of their own
  bool masked_proc = false;   // of the pod
  bool root_pilot = false;    // in the pod, whatever the node calls it
};

struct LeftOpen {
  std::string_view name;  // stable, for scripts
  std::string_view text;  // goes on after "a payload"
};

std::vector<LeftOpen> left_open(const Standing& standing);

}  // namespace podpilot::agent
