// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "agent/scheduler/htcondor/classad/functions.h"

namespace podpilot::agent::htcondor {
namespace {

using Integer = std::int64_t;

Value strcat(const Call& call) {
  std::string result;
  for (std::size_t i = 0; i < call.size(); ++i) {
    Value value = call[i];
    const std::optional<std::string> text = as_text(value);
    if (!text) return value;
    if (!call.evaluation.afford(text->size())) return Failed{};
    result += *text;
  }
  return result;
}

// join(list), join(separator, list), join(separator, part...): undefined parts are left out.
Value join(const Call& call) {
  List parts = call.all();
  if (parts.size() <= 2 && !parts.empty() && parts.back().list()) {
    const List elements = *parts.back().list();
    parts.pop_back();
    if (parts.empty()) parts.emplace_back(std::string());
    parts.insert(parts.end(), elements.begin(), elements.end());
  }
  std::string separator, result;
  bool defined = false, undefined = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::optional<std::string> text = as_text(parts[i]);
    if (!text && parts[i].is<Failed>()) return Failed{};
    undefined = undefined || !text;
    if (!text) continue;
    if (i == 0) {
      separator = *text;
      continue;
    }
    if (!call.evaluation.afford(separator.size() + text->size())) return Failed{};
    if (!result.empty()) result += separator;
    result += *text;
    defined = true;
  }
  if (undefined && !defined) return Undefined{};
  return result;
}

template <bool kUp>
Value in_case(const Call& call) {
  Value value = call[0];
  std::optional<std::string> text = as_text(value);
  if (!text) return value;
  for (char& c : *text) {
    if (!kUp)
      c = lower(c);
    else if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  }
  if (!call.evaluation.afford(text->size())) return Failed{};
  return std::move(*text);
}

// A negative offset counts from the end, a negative length leaves so much at the end.
Value substr(const Call& call) {
  const List values = call.all();
  for (const Value& value : values)
    if (value.is<Undefined>()) return value;
  const std::string* text = values[0].get<std::string>();
  const Integer* offset = values[1].get<Integer>();
  const Integer* length = values.size() > 2 ? values[2].get<Integer>() : nullptr;
  if (!text || !offset || (values.size() > 2 && !length)) return Failed{};
  const Integer size = static_cast<Integer>(text->size());
  const Integer start =
      *offset < 0 ? std::max<Integer>(0, size + *offset) : std::min(*offset, size);
  Integer count = size - start;
  if (length)
    count = *length < 0 ? std::max<Integer>(0, count + *length) : std::min(*length, count);
  return text->substr(static_cast<std::size_t>(start), static_cast<std::size_t>(count));
}

Value size(const Call& call) {
  Value value = call[0];
  if (value.is<Undefined>()) return value;
  if (const std::string* text = value.get<std::string>()) return static_cast<Integer>(text->size());
  if (const List* list = value.list()) return static_cast<Integer>(list->size());
  if (const Scope* ad = value.get<Scope>(); ad && ad->nested)
    return static_cast<Integer>(ad->nested->record->names.size());
  return Failed{};
}

// Two arguments as texts, or what the result is instead.
struct Texts {
  std::string left, right;
  std::optional<Value> instead;
};
Texts two_texts(const Value& left, const Value& right) {
  for (const Value* side : {&left, &right})
    if (side->is<Undefined>()) return {"", "", Value(Undefined{})};
  const std::optional<std::string> a = as_text(left), b = as_text(right);
  if (!a || !b) return {"", "", Value(Failed{})};
  return {*a, *b, {}};
}

Integer sign(int order) {
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

template <bool kExact>
Value compare_texts(const Call& call) {
  const Texts texts = two_texts(call[0], call[1]);
  if (texts.instead) return *texts.instead;
  return sign(kExact ? texts.left.compare(texts.right) : compare_names(texts.left, texts.right));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Digits as numbers, all else as characters: "9.12" is before "10.2". Numbers with leading zeros
// are fractions: "1.001" is before "1.01".
int compare_versions(std::string_view a, std::string_view b) {
  std::size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
  const auto code = [](std::string_view text, std::size_t i) {
    return i < text.size() ? static_cast<int>(static_cast<signed char>(text[i])) : 0;
  };
  const int difference = code(a, at) - code(b, at);
  if (difference == 0) return 0;
  std::size_t number = at;  // where the number begins that the difference is in
  while (number > 0 && is_digit(a[number - 1])) --number;
  const auto digit_at = [](std::string_view text, std::size_t i) {
    return i < text.size() && is_digit(text[i]);
  };
  if (number == at && (!digit_at(a, at) || !digit_at(b, at))) return difference;
  const auto zeros = [&](std::string_view text) {
    std::size_t end = number;
    while (end < text.size() && text[end] == '0') ++end;
    if (end > number && !digit_at(text, end)) --end;
    return static_cast<int>(end - number);
  };
  const int zeros_a = zeros(a), zeros_b = zeros(b);
  if (zeros_a != zeros_b) return zeros_b - zeros_a;
  if (zeros_a > 0) return difference;
  const auto digits = [&](std::string_view text) {
    std::size_t end = number;
    while (digit_at(text, end)) ++end;
    return static_cast<int>(end - number);
  };
  const int length = digits(a) - digits(b);
  return length != 0 ? length : difference;
}

Value version_order(const Call& call) {
  const Texts texts = two_texts(call[0], call[1]);
  if (texts.instead) return *texts.instead;
  return static_cast<Integer>(compare_versions(texts.left, texts.right));
}

template <bool (*f)(int)>
Value version_holds(const Call& call) {
  const Value order = version_order(call);
  const Integer* number = order.get<Integer>();
  return number ? Value(f(static_cast<int>(*number))) : order;
}

bool at_most(int order) {
  return order <= 0;
}
bool below(int order) {
  return order < 0;
}
bool at_least(int order) {
  return order >= 0;
}
bool above(int order) {
  return order > 0;
}
bool same(int order) {
  return order == 0;
}

Value version_in_range(const Call& call) {
  const Value version = call[0], low = call[1], high = call[2];
  if (low.is<Undefined>() || high.is<Undefined>()) return Undefined{};
  const auto a = as_text(version), b = as_text(low), c = as_text(high);
  if (!a || !b || !c) return Failed{};
  return compare_versions(*b, *a) <= 0 && compare_versions(*a, *c) <= 0;
}

// Seconds as "1+03:46:40".
Value interval(const Call& call) {
  const std::optional<double> number = as_number(call[0]);
  if (!number || !(std::abs(*number) < 0x1p31)) return Failed{};
  const int total = static_cast<int>(*number);
  const int days = total / 86400, hours = total % 86400 / 3600, minutes = total % 3600 / 60;
  const int seconds = total % 60;
  if (days != 0)
    return fmt::format("{}+{:02}:{:02}:{:02}", days, std::abs(hours), std::abs(minutes),
                       std::abs(seconds));
  if (hours != 0) return fmt::format("{}:{:02}:{:02}", hours, std::abs(minutes), std::abs(seconds));
  if (minutes != 0) return fmt::format("{}:{:02}", minutes, std::abs(seconds));
  return fmt::format("{}", seconds);
}

constexpr Function kTable[] = {
    {"strcat", 0, kAnyNumber, strcat},
    {"join", 0, kAnyNumber, join},
    {"toUpper", 1, 1, in_case<true>},
    {"toLower", 1, 1, in_case<false>},
    {"substr", 2, 3, substr},
    {"size", 1, 1, size},
    {"strcmp", 2, 2, compare_texts<true>},
    {"stricmp", 2, 2, compare_texts<false>},
    {"versioncmp", 2, 2, version_order},
    {"versionLE", 2, 2, version_holds<at_most>},
    {"versionLT", 2, 2, version_holds<below>},
    {"versionGE", 2, 2, version_holds<at_least>},
    {"versionGT", 2, 2, version_holds<above>},
    {"versionEQ", 2, 2, version_holds<same>},
    {"version_in_range", 3, 3, version_in_range},
    {"interval", 1, 1, interval},
};

}  // namespace

std::span<const Function> text_functions() {
  return kTable;
}

}  // namespace podpilot::agent::htcondor
