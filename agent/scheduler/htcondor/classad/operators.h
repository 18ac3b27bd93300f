// SPDX-License-Identifier: Apache-2.0
// What operators make of values that are known.
#pragma once

#include <optional>

#include "agent/scheduler/htcondor/classad/expression.h"

namespace podpilot::agent::htcondor {

// Every number is true but 0; nothing for what is no truth value.
std::optional<bool> truth(const Value& value);

Value operate(Operator op, const Value& operand);
Value operate(Operator op, const Value& left, const Value& right);

// && and || do not evaluate their right side where the left one decides.
std::optional<Value> decided_by(Operator op, const Value& left);

}  // namespace podpilot::agent::htcondor
