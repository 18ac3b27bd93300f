// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/functions.h"
#include "agent/scheduler/htcondor/classad/operators.h"

namespace podpilot::agent::htcondor {
namespace {

using Integer = std::int64_t;

template <bool kExact>
Value member(const Call& call) {
  const Value wanted = call[0], among = call[1];
  if (among.is<Undefined>() || (!kExact && wanted.is<Undefined>())) return Undefined{};
  const List* list = among.list();
  if (!list || wanted.list() || wanted.is<Scope>()) return Failed{};
  if (!kExact && wanted.is<Failed>()) return Failed{};
  for (const Value& element : *list) {
    const Value equal = operate(kExact ? Operator::is : Operator::equal, element, wanted);
    if (const bool* known = equal.get<bool>(); known && *known) return true;
  }
  return false;
}

std::optional<Operator> comparison(std::string_view text) {
  if (text == "<") return Operator::less;
  if (text == "<=") return Operator::less_equal;
  if (text == "!=") return Operator::not_equal;
  if (text == "==") return Operator::equal;
  if (text == ">") return Operator::greater;
  if (text == ">=") return Operator::greater_equal;
  if (text == "is") return Operator::is;
  if (text == "isnt") return Operator::is_not;
  return {};
}

template <bool kAll>
Value compare_with_each(const Call& call) {
  Value how = call[0];
  Value elements = call[1];
  const Value other = call[2];
  if (how.is<Undefined>()) return how;
  const std::string* text = how.get<std::string>();
  const std::optional<Operator> op = text ? comparison(*text) : std::nullopt;
  if (!op) return Failed{};
  if (elements.is<Undefined>()) return elements;
  const List* list = elements.list();
  if (!list) return Failed{};
  for (const Value& element : *list) {
    const Value result = operate(*op, element, other);
    const bool* known = result.get<bool>();
    if (!known && !result.is<Undefined>()) return Failed{};
    if (!known) return false;
    if (*known != kAll) return *known;
  }
  return kAll;
}

// A list of numbers, undefined ones left out; or what the result is instead.
struct Numbers {
  List list;
  std::optional<Value> instead;
};
Numbers numbers(const Value& value) {
  if (value.is<Undefined>()) return {{}, value};
  const List* list = value.list();
  if (!list) return {{}, Value(Failed{})};
  Numbers result;
  for (const Value& element : *list) {
    if (element.is<Undefined>()) continue;
    if (!element.is_number()) return {{}, Value(Failed{})};
    result.list.push_back(element);
  }
  return result;
}

Value total(const List& list) {
  if (list.empty()) return Integer{0};
  Value result = list[0];
  for (std::size_t i = 1; i < list.size(); ++i) result = operate(Operator::add, result, list[i]);
  return result;
}

Value sum(const Call& call) {
  const Numbers given = numbers(call[0]);
  return given.instead ? *given.instead : total(given.list);
}

Value average(const Call& call) {
  const Numbers given = numbers(call[0]);
  if (given.instead) return *given.instead;
  if (given.list.empty()) return Integer{0};
  return operate(Operator::divide, total(given.list), static_cast<double>(given.list.size()));
}

// Of several, truth values count as numbers, and all as reals where one is.
template <Operator kBetter>
Value extreme(const Call& call) {
  const Numbers given = numbers(call[0]);
  if (given.instead) return *given.instead;
  if (given.list.empty()) return Undefined{};
  Value best = given.list[0];
  bool real = false;
  for (const Value& element : given.list) {
    real = real || element.is<double>();
    if (truth(operate(kBetter, element, best)) == true) best = element;
  }
  if (real) return *as_number(best);
  if (const bool* flag = best.get<bool>(); flag && given.list.size() > 1)
    return Integer{*flag ? 1 : 0};
  return best;
}

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Between separators; blanks do not count, but two separators of the same kind hold an empty part.
Value split(const Call& call) {
  const List values = call.all();
  const std::string* text = values[0].get<std::string>();
  const std::string* given = values.size() > 1 ? values[1].get<std::string>() : nullptr;
  if (!text || (values.size() > 1 && !given)) return Failed{};
  const std::string separators = given ? *given : ", \t";
  List parts;
  std::size_t start = 0;
  char before = '\0';
  for (std::size_t at = text->find_first_of(separators); at != std::string::npos;
       at = text->find_first_of(separators, start)) {
    const char separator = (*text)[at];
    if (at > start)
      parts.emplace_back(text->substr(start, at - start));
    else if (before == separator)
      parts.emplace_back(std::string());
    if (!is_blank(separator)) before = separator;
    start = at + 1;
  }
  if (start < text->size()) parts.emplace_back(text->substr(start));
  if (!call.evaluation.afford(text->size() + parts.size() * sizeof(Value))) return Failed{};
  return make_list(std::move(parts));
}

// "a@b" as {"a", "b"}; without a @ the other part is empty.
template <bool kSlot>
Value split_at(const Call& call) {
  const Value value = call[0];
  const std::string* text = value.get<std::string>();
  if (!text) return Failed{};
  const std::size_t at = text->find('@');
  if (at == std::string::npos)
    return make_list(kSlot ? List{std::string(), *text} : List{*text, std::string()});
  return make_list({text->substr(0, at), text->substr(at + 1)});
}

constexpr Function kTable[] = {
    {"member", 2, 2, member<false>},
    {"identicalMember", 2, 2, member<true>},
    {"anyCompare", 3, 3, compare_with_each<false>},
    {"allCompare", 3, 3, compare_with_each<true>},
    {"sum", 1, 1, sum},
    {"avg", 1, 1, average},
    {"min", 1, 1, extreme<Operator::less>},
    {"max", 1, 1, extreme<Operator::greater>},
    {"split", 1, 2, split},
    {"splitUserName", 1, 1, split_at<false>},
    {"splitSlotName", 1, 1, split_at<true>},
};

}  // namespace

std::span<const Function> list_functions() {
  return kTable;
}

}  // namespace podpilot::agent::htcondor
