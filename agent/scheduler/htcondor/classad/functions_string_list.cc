// SPDX-License-Identifier: Apache-2.0
// Lists that are one string, "a, b, c".
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "agent/scheduler/htcondor/classad/functions.h"
#include "agent/scheduler/htcondor/classad/regexp.h"

namespace podpilot::agent::htcondor {
namespace {

using Integer = std::int64_t;

constexpr std::string_view kBlanks = " \t\r\n\v\f";

std::vector<std::string_view> words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> list;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find_first_of(separators, start), text.size());
    std::string_view word = text.substr(start, end - start);
    word.remove_prefix(std::min(word.find_first_not_of(kBlanks), word.size()));
    word = word.substr(0, word.find_last_not_of(kBlanks) + 1);
    if (!word.empty()) list.push_back(word);
    start = end + 1;
  }
  return list;
}

bool holds(const std::vector<std::string_view>& list, std::string_view word, bool exact) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view element) {
    return exact ? element == word : same_name(element, word);
  });
}

// (item or items, list, separators): an undefined one is as good as empty.
template <bool kExact, bool kSubset>
Value member(const Call& call) {
  const List values = call.all();
  std::vector<std::string> texts;
  for (const Value& value : values) {
    const std::string* text = value.get<std::string>();
    if (!text && !value.is<Undefined>()) return Failed{};
    texts.push_back(text ? *text : "");
  }
  if (values[0].is<Undefined>() && values[1].is<Undefined>()) return Undefined{};
  const std::string_view separators = values.size() > 2 && values[2].is<std::string>()
                                          ? std::string_view(texts[2])
                                          : std::string_view(", \t\r\n");
  const auto list = words(texts[1], separators);
  if (!kSubset) return holds(list, texts[0], kExact);
  const auto wanted = words(texts[0], separators);
  if (wanted.empty()) return texts[0].empty();
  // Each with each is as many steps as the lists are long.
  if (!call.evaluation.afford(wanted.size() * list.size())) return Failed{};
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](std::string_view word) { return holds(list, word, kExact); });
}

// The words of the first argument between the characters of the second; nothing if one is no text.
std::optional<std::vector<std::string>> listed(const Call& call, std::string_view separators) {
  const List values = call.all();
  for (const Value& value : values)
    if (!value.is<std::string>()) return {};
  if (values.size() > 1) separators = *values[1].get<std::string>();
  const auto list = words(*values[0].get<std::string>(), separators);
  return std::vector<std::string>(list.begin(), list.end());
}

Value count(const Call& call) {
  const auto list = listed(call, ", ");
  if (!list) return Failed{};
  return static_cast<Integer>(list->size());
}

enum class Summary { sum, average, least, most };

template <Summary kWhat>
Value summary(const Call& call) {
  const auto list = listed(call, ", ");
  if (!list) return Failed{};
  constexpr bool kTotal = kWhat == Summary::sum || kWhat == Summary::average;
  if (list->empty()) return kTotal ? Value(0.0) : Value(Undefined{});
  double result = 0;
  bool real = false;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string& word = (*list)[i];
    const std::optional<double> number = as_number(Value(word));
    if (!number) return Failed{};
    real = real || word.find_first_not_of("+-0123456789") != std::string::npos;
    if (kTotal)
      result += *number;
    else if (i == 0)
      result = *number;
    else
      result = kWhat == Summary::least ? std::min(result, *number) : std::max(result, *number);
  }
  if (kWhat == Summary::average) result /= static_cast<double>(list->size());
  if (real || !(std::abs(result) < 0x1p63)) return result;
  return static_cast<Integer>(result);
}

Value intersect(const Call& call) {
  const List values = call.all();
  for (const Value& value : values)
    if (value.is<Failed>()) return value;
  for (const Value& value : values)
    if (value.is<Undefined>()) return value;
  for (const Value& value : values)
    if (!value.is<std::string>()) return Failed{};
  std::string_view separators = " ,";
  if (values.size() > 2 && !values[2].get<std::string>()->empty())
    separators = *values[2].get<std::string>();
  const auto left = words(*values[0].get<std::string>(), separators);
  const auto right = words(*values[1].get<std::string>(), separators);
  if (!call.evaluation.afford(left.size() * right.size())) return Failed{};
  return std::any_of(left.begin(), left.end(),
                     [&](std::string_view word) { return holds(right, word, true); });
}

// (pattern, list, separators, options)
Value regexp_member(const Call& call) {
  const List values = call.all();
  for (const Value& value : values)
    if (!value.is<std::string>()) return Failed{};
  const auto text = [&](std::size_t i, std::string_view otherwise) -> std::string_view {
    return i < values.size() ? *values[i].get<std::string>() : otherwise;
  };
  const std::string_view separators = text(2, ", ");
  const auto list = words(text(1, ""), separators);
  const Regexp regexp(text(0, ""), text(3, ""));
  if (!regexp.valid()) return Failed{};
  if (list.empty()) return Undefined{};
  for (const std::string_view word : list) {
    const Regexp::Answer answer = regexp.search(word, call.evaluation);
    if (answer == Regexp::Answer::failed) return Failed{};
    if (answer == Regexp::Answer::found) return true;
  }
  return false;
}

constexpr Function kTable[] = {
    {"stringListSize", 1, 2, count},
    {"stringListSum", 1, 2, summary<Summary::sum>},
    {"stringListAvg", 1, 2, summary<Summary::average>},
    {"stringListMin", 1, 2, summary<Summary::least>},
    {"stringListMax", 1, 2, summary<Summary::most>},
    {"stringListMember", 2, 3, member<true, false>},
    {"stringListIMember", 2, 3, member<false, false>},
    {"stringListSubsetMatch", 2, 3, member<true, true>},
    {"stringListISubsetMatch", 2, 3, member<false, true>},
    {"stringList_regexpMember", 2, 4, regexp_member},
    {"stringListsIntersect", 2, 3, intersect},
};

}  // namespace

std::span<const Function> string_list_functions() {
  return kTable;
}

}  // namespace podpilot::agent::htcondor
