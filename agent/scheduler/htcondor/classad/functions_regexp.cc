// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/functions.h"
#include "agent/scheduler/htcondor/classad/regexp.h"

namespace podpilot::agent::htcondor {
namespace {

// What the result is if an argument is no text; the one at `list` need not be.
std::optional<Value> instead_of(const List& values, std::size_t list = kAnyNumber) {
  for (const Value& value : values)
    if (value.is<Failed>()) return value;
  for (const Value& value : values)
    if (value.is<Undefined>()) return value;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (i != list && !values[i].is<std::string>()) return Value(Failed{});
  return {};
}

const std::string& text(const List& values, std::size_t i) {
  static const std::string none;
  return i < values.size() ? *values[i].get<std::string>() : none;
}

Value as_value(Regexp::Answer answer) {
  if (answer == Regexp::Answer::failed) return Failed{};
  return answer == Regexp::Answer::found;
}

// (pattern, text, options)
Value match(const Call& call) {
  const List values = call.all();
  if (auto instead = instead_of(values)) return *instead;
  const Regexp regexp(text(values, 0), text(values, 2));
  if (!regexp.valid()) return Failed{};
  return as_value(regexp.search(text(values, 1), call.evaluation));
}

// (pattern, list, options)
Value match_member(const Call& call) {
  const List values = call.all();
  if (auto instead = instead_of(values, 1)) return *instead;
  const List* list = values[1].list();
  const Regexp regexp(text(values, 0), text(values, 2));
  if (!list || !regexp.valid()) return Failed{};
  bool undefined = false;
  for (const Value& element : *list) {
    const std::string* candidate = element.get<std::string>();
    if (!candidate && !element.is<Undefined>()) return Failed{};
    undefined = undefined || !candidate;
    if (!candidate) continue;
    const Regexp::Answer answer = regexp.search(*candidate, call.evaluation);
    if (answer != Regexp::Answer::not_found) return as_value(answer);
  }
  return undefined ? Value(Undefined{}) : Value(false);
}

// (pattern, text, replacement, options)
Value replaced(const Call& call, bool whole, bool all) {
  const List values = call.all();
  if (auto instead = instead_of(values)) return *instead;
  const std::string& options = text(values, 3);
  const Regexp regexp(text(values, 0), options);
  if (!regexp.valid()) return Failed{};
  std::string result;
  const Regexp::Answer answer = regexp.replace(
      text(values, 1), text(values, 2), whole || options.find('f') != std::string::npos,
      all || options.find('g') != std::string::npos, call.evaluation, result);
  if (answer == Regexp::Answer::failed) return Failed{};
  return result;
}

Value substitute(const Call& call) {
  return replaced(call, false, false);
}
Value replace(const Call& call) {
  return replaced(call, true, false);
}
Value replace_all(const Call& call) {
  return replaced(call, true, true);
}

constexpr Function kTable[] = {
    {"regexp", 2, 3, match},    {"regexpMember", 2, 3, match_member}, {"regexps", 3, 4, substitute},
    {"replace", 3, 4, replace}, {"replaceAll", 3, 4, replace_all},
};

}  // namespace

std::span<const Function> regexp_functions() {
  return kTable;
}

}  // namespace podpilot::agent::htcondor
