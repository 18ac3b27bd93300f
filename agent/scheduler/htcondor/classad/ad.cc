// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/ad.h"

#include <fmt/format.h>

#include <cstring>

#include "agent/scheduler/htcondor/classad/evaluation.h"
#include "agent/scheduler/htcondor/classad/expression.h"
#include "agent/scheduler/htcondor/classad/operators.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {

struct Ad::Impl {
  Attributes attributes;
};

// What the free functions here know of an ad.
struct AdAccess {
  static const Attributes& attributes(const Ad& ad) { return ad.impl_->attributes; }
  static Value evaluate(const Ad& ad, std::string_view name, const Ad* target) {
    const Attributes& mine = attributes(ad);
    const auto found = mine.find(name);
    if (found == mine.end()) return Undefined{};
    return Evaluation(mine, target ? &attributes(*target) : nullptr).result_of(*found->second);
  }
};

namespace {

Expression literal(Value value) {
  return make_expression(Node{.kind = Node::Kind::literal, .literal = std::move(value)});
}

template <typename T>
Expression literal_list(const std::vector<T>& values) {
  Node node{.kind = Node::Kind::list};
  for (const T& value : values) node.children.push_back(literal(value));
  return make_expression(std::move(node));
}

void put(Attributes& attributes, std::string_view name, Expression expression) {
  const auto found = attributes.find(name);
  if (found == attributes.end())
    attributes.emplace(name, std::move(expression));
  else
    found->second = std::move(expression);
}

// What peers send may have any name that keeps a line a line.
Result<void> check_name(std::string_view name) {
  if (name.empty() || name.size() > 1000)
    return Error{Fault::invalid, "an attribute needs a name, of at most 1000 characters"};
  for (const char c : name)
    if (c <= ' ' || c > '~' || c == '=' || c == '"')
      return Error{Fault::invalid, fmt::format("no name: {}", printable(name))};
  return {};
}

Result<Expression> parse_named(std::string_view name, std::string_view text) {
  TRY(check_name(name));
  return parse_expression(text).within(name);
}

}  // namespace

Ad::Ad() : impl_(std::make_unique<Impl>()) {}
Ad::Ad(const Ad& other) : impl_(std::make_unique<Impl>(*other.impl_)) {}
Ad::Ad(Ad&& other) noexcept = default;
Ad& Ad::operator=(const Ad& other) {
  impl_ = std::make_unique<Impl>(*other.impl_);
  return *this;
}
Ad& Ad::operator=(Ad&& other) noexcept = default;
Ad::~Ad() = default;

void Ad::set_boolean(std::string_view name, bool value) {
  put(impl_->attributes, name, literal(value));
}
void Ad::set_integer(std::string_view name, std::int64_t value) {
  put(impl_->attributes, name, literal(value));
}
void Ad::set_real(std::string_view name, double value) {
  put(impl_->attributes, name, literal(value));
}
void Ad::set(std::string_view name, std::string_view value) {
  put(impl_->attributes, name, literal(std::string(value)));
}
void Ad::set(std::string_view name, const std::vector<std::string>& list) {
  put(impl_->attributes, name, literal_list(list));
}
void Ad::set(std::string_view name, const std::vector<std::int64_t>& list) {
  put(impl_->attributes, name, literal_list(list));
}

Result<void> Ad::set_expression(std::string_view name, std::string_view text) {
  Expression expression = TRY(parse_named(name, text));
  put(impl_->attributes, name, std::move(expression));
  return {};
}

Result<void> Ad::set_checked_expression(std::string_view name, std::string_view text) {
  Expression expression = TRY(parse_named(name, text));
  TRY(check_calls(*expression).within(name));
  put(impl_->attributes, name, std::move(expression));
  return {};
}

bool Ad::has(std::string_view name) const {
  return impl_->attributes.contains(name);
}

void Ad::erase(std::string_view name) {
  const auto found = impl_->attributes.find(name);
  if (found != impl_->attributes.end()) impl_->attributes.erase(found);
}

void Ad::update(const Ad& other) {
  for (const auto& [name, expression] : other.impl_->attributes)
    put(impl_->attributes, name, expression);
}

std::size_t Ad::size() const {
  return impl_->attributes.size();
}

std::optional<std::string> Ad::expression(std::string_view name) const {
  const auto found = impl_->attributes.find(name);
  if (found == impl_->attributes.end()) return {};
  std::string text;
  append_expression(text, *found->second);
  return text;
}

std::optional<std::string> Ad::string(std::string_view name, const Ad* target) const {
  Value value = AdAccess::evaluate(*this, name, target);
  if (auto* text = std::get_if<std::string>(&value)) return std::move(*text);
  return {};
}

std::optional<std::int64_t> Ad::integer(std::string_view name, const Ad* target) const {
  const Value value = AdAccess::evaluate(*this, name, target);
  if (const std::int64_t* integer = value.get<std::int64_t>()) return *integer;
  if (const bool* boolean = value.get<bool>()) return *boolean ? 1 : 0;
  if (const double* real = value.get<double>(); real && *real >= -0x1p63 && *real < 0x1p63)
    return static_cast<std::int64_t>(*real);
  return {};
}

std::optional<double> Ad::real(std::string_view name, const Ad* target) const {
  const Value value = AdAccess::evaluate(*this, name, target);
  if (const double* real = value.get<double>()) return *real;
  if (const std::int64_t* integer = value.get<std::int64_t>()) return static_cast<double>(*integer);
  return {};
}

std::optional<bool> Ad::boolean(std::string_view name, const Ad* target) const {
  return truth(AdAccess::evaluate(*this, name, target));
}

std::vector<std::string> Ad::strings(std::string_view name, const Ad* target) const {
  const Value value = AdAccess::evaluate(*this, name, target);
  std::vector<std::string> result;
  if (const List* list = value.list())
    for (const Value& element : *list)
      if (const std::string* text = element.get<std::string>()) result.push_back(*text);
  if (const std::string* text = value.get<std::string>())
    for (std::string_view word : split(*text, ',')) {
      while (!word.empty() && word.front() <= ' ' && word.front() >= 0) word.remove_prefix(1);
      while (!word.empty() && word.back() <= ' ' && word.back() >= 0) word.remove_suffix(1);
      if (!word.empty()) result.emplace_back(word);
    }
  return result;
}

std::string Ad::value(std::string_view name, const Ad* target) const {
  const Value value = AdAccess::evaluate(*this, name, target);
  std::string text;
  append_value(text, value, Style::old_ad);
  return text;
}

void Ad::for_each(
    const std::function<void(const std::string& name, const std::string& expression)>& f) const {
  for (const auto& [name, expression] : impl_->attributes) {
    std::string text;
    append_expression(text, *expression);
    f(name, text);
    explicit_bzero(text.data(), text.size());  // it may be a secret
  }
}

bool matches(const Ad& mine, const Ad& target, std::string_view attribute) {
  return mine.boolean(attribute, &target) == true;
}

std::string quoted(std::string_view text) {
  std::string result;
  append_string(result, text, Style::old_ad);
  return result;
}

}  // namespace podpilot::agent::htcondor
