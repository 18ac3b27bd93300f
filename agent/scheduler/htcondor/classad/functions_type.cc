// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "agent/scheduler/htcondor/classad/functions.h"

namespace podpilot::agent::htcondor {
namespace {

using Integer = std::int64_t;

template <typename T>
Value is_type(const Call& call) {
  return call[0].is<T>();
}

Value is_list(const Call& call) {
  return call[0].list() != nullptr;
}

// What is too large for an integer becomes the smallest, as x86-64 converts it.
Integer cut(double real) {
  if (!(real >= -0x1p63 && real < 0x1p63)) return std::numeric_limits<Integer>::min();
  return static_cast<Integer>(real);
}

Value to_integer(const Call& call) {
  Value value = call[0];
  if (value.is<Undefined>() || value.is<Integer>()) return value;
  if (const std::optional<double> number = as_number(value)) return cut(*number);
  return Failed{};
}

Value to_real(const Call& call) {
  Value value = call[0];
  if (value.is<Undefined>()) return value;
  if (const std::optional<double> number = as_number(value)) return *number;
  return Failed{};
}

Value to_text(const Call& call) {
  Value value = call[0];
  std::optional<std::string> text = as_text(value);
  if (!text) return value;
  if (!call.evaluation.afford(text->size())) return Failed{};
  return std::move(*text);
}

Value to_boolean(const Call& call) {
  Value value = call[0];
  if (value.is<Undefined>() || value.is<bool>()) return value;
  if (const std::string* text = value.get<std::string>()) {
    if (same_name(*text, "true")) return true;
    if (same_name(*text, "false")) return false;
    return Undefined{};
  }
  if (const Integer* integer = value.get<Integer>()) return *integer != 0;
  if (const double* real = value.get<double>()) return *real != 0;
  return Failed{};
}

template <double (*f)(double)>
Value rounded(const Call& call) {
  Value value = call[0];
  if (value.is<Integer>()) return value;
  if (const std::optional<double> number = as_number(value)) return cut(f(*number));
  return Failed{};
}

Value power(const Call& call) {
  const Value base = call[0], exponent = call[1];
  const std::optional<double> a = as_number(base), b = as_number(exponent);
  if (!a || !b) return Failed{};
  const double result = std::pow(*a, *b);
  if (base.is<Integer>() && exponent.is<Integer>() && *b >= 0) return cut(result + 0.5);
  return result;
}

// The next multiple of `base` that is not less.
Value next_multiple(const Value& value, const Value& base) {
  const std::optional<double> a = as_number(value), b = as_number(base);
  if (!a || !b) return Failed{};
  const Integer* whole = value.get<Integer>();
  const Integer* step = base.get<Integer>();
  if (std::abs(*b) <= 1e-8) return value;
  if (!whole || !step) return std::ceil(*a / *b) * *b;
  Integer raised = 0, result = 0;
  if (*step == -1 || __builtin_add_overflow(*whole, *step - 1, &raised)) return value;
  if (__builtin_mul_overflow(raised / *step, *step, &result)) return value;
  return result;
}

Value quantize(const Call& call) {
  const Value value = call[0], base = call[1];
  const List* steps = base.list();
  if (!steps) return next_multiple(value, base);
  const std::optional<double> wanted = as_number(value);
  if (!wanted) return Failed{};
  for (const Value& step : *steps) {
    const std::optional<double> number = as_number(step);
    if (!number) return Failed{};
    if (*number >= *wanted) return step;
  }
  return steps->empty() ? value : next_multiple(value, steps->back());
}

double round_to_even(double value) {
  return std::rint(value);
}
double round_down(double value) {
  return std::floor(value);
}
double round_up(double value) {
  return std::ceil(value);
}

constexpr Function kTable[] = {
    {"isUndefined", 1, 1, is_type<Undefined>},
    {"isError", 1, 1, is_type<Failed>},
    {"isString", 1, 1, is_type<std::string>},
    {"isInteger", 1, 1, is_type<Integer>},
    {"isReal", 1, 1, is_type<double>},
    {"isBoolean", 1, 1, is_type<bool>},
    {"isClassAd", 1, 1, is_type<Scope>},
    {"isList", 1, 1, is_list},
    {"int", 1, 1, to_integer},
    {"real", 1, 1, to_real},
    {"string", 1, 1, to_text},
    {"bool", 1, 1, to_boolean},
    {"floor", 1, 1, rounded<round_down>},
    {"ceil", 1, 1, rounded<round_up>},
    {"ceiling", 1, 1, rounded<round_up>},
    {"round", 1, 1, rounded<round_to_even>},
    {"pow", 2, 2, power},
    {"quantize", 2, 2, quantize},
};

}  // namespace

std::span<const Function> type_functions() {
  return kTable;
}

}  // namespace podpilot::agent::htcondor
