// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/functions.h"

#include <cstdlib>
#include <map>

namespace podpilot::agent::htcondor {

const Function* find_function(std::string_view name) {
  static const std::map<std::string_view, const Function*, NameLess> table = [] {
    std::map<std::string_view, const Function*, NameLess> all;
    for (const auto part : {type_functions(), text_functions(), list_functions(),
                            string_list_functions(), regexp_functions(), control_functions()})
      for (const Function& function : part) all.emplace(function.name, &function);
    return all;
  }();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

std::optional<std::string> as_text(const Value& value) {
  if (const std::string* text = value.get<std::string>()) return *text;
  if (value.is<Undefined>() || value.is<Failed>()) return {};
  std::string text;
  append_value(text, value, Style::new_ad);
  return text;
}

std::optional<double> as_number(const Value& value) {
  if (const bool* boolean = value.get<bool>()) return *boolean ? 1 : 0;
  if (const std::int64_t* integer = value.get<std::int64_t>()) return static_cast<double>(*integer);
  if (const double* real = value.get<double>()) return *real;
  const std::string* text = value.get<std::string>();
  if (!text) return {};
  char* end = nullptr;
  const double number = std::strtod(text->c_str(), &end);
  if (end == text->c_str()) return {};
  return number;
}

}  // namespace podpilot::agent::htcondor
