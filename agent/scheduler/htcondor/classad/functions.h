// SPDX-License-Identifier: Apache-2.0
// The functions that expressions can call: a table, in parts by what they are about.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/scheduler/htcondor/classad/evaluation.h"

namespace podpilot::agent::htcondor {

// One call; its arguments are evaluated when they are asked for.
struct Call {
  Evaluation& evaluation;
  const Scope& scope;
  const std::vector<Expression>& arguments;

  Value operator[](std::size_t i) const { return evaluation(*arguments[i], scope); }
  std::size_t size() const { return arguments.size(); }
  std::vector<Value> all() const { return evaluation.all(arguments, scope); }
};

struct Function {
  std::string_view name;
  std::size_t least = 0, most = 0;  // arguments
  Value (*call)(const Call&) = nullptr;
};
inline constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

// By name, whatever its case; null if there is none.
const Function* find_function(std::string_view name);

// Parts of the table.
std::span<const Function> type_functions();         // isString(), int(), floor() ...
std::span<const Function> text_functions();         // strcat(), substr(), versionGE() ...
std::span<const Function> list_functions();         // member(), sum(), split() ...
std::span<const Function> string_list_functions();  // stringListMember() ...
std::span<const Function> regexp_functions();       // regexp(), replace() ...
std::span<const Function> control_functions();      // ifThenElse(), eval(), time() ...

// As string() makes it of all but undefined and failed values.
std::optional<std::string> as_text(const Value& value);
std::optional<double> as_number(const Value& value);

}  // namespace podpilot::agent::htcondor
