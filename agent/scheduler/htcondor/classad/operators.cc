// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/operators.h"

#include <cmath>
#include <limits>

namespace podpilot::agent::htcondor {
namespace {

using Integer = std::int64_t;

// As the processor does it: what is too large comes out on the other side.
Integer wrapped(std::uint64_t value) {
  return static_cast<Integer>(value);
}
std::uint64_t bits(Integer value) {
  return static_cast<std::uint64_t>(value);
}

template <typename T>
bool holds(Operator op, const T& order) {
  switch (op) {
    case Operator::equal:
    case Operator::is:
      return order == 0;
    case Operator::not_equal:
    case Operator::is_not:
      return order != 0;
    case Operator::less:
      return order < 0;
    case Operator::less_equal:
      return order <= 0;
    case Operator::greater:
      return order > 0;
    default:
      return order >= 0;
  }
}

bool is_comparison(Operator op) {
  return op >= Operator::equal && op <= Operator::greater_equal;
}

double as_real(const Value& value) {
  if (const double* real = value.get<double>()) return *real;
  if (const bool* boolean = value.get<bool>()) return *boolean ? 1 : 0;
  return static_cast<double>(*value.get<Integer>());
}

Integer as_integer(const Value& value) {
  if (const bool* boolean = value.get<bool>()) return *boolean ? 1 : 0;
  return *value.get<Integer>();
}

bool compare_reals(Operator op, double left, double right) {
  switch (op) {
    case Operator::equal:
    case Operator::is:
      return left == right;
    case Operator::not_equal:
    case Operator::is_not:
      return left != right;
    case Operator::less:
      return left < right;
    case Operator::less_equal:
      return left <= right;
    case Operator::greater:
      return left > right;
    default:
      return left >= right;
  }
}

// Neither side is undefined or failed.
Value compare(Operator op, const Value& left, const Value& right) {
  const std::string* text = left.get<std::string>();
  const std::string* other = right.get<std::string>();
  if (text && other) {
    const bool exact = op == Operator::is || op == Operator::is_not;
    return holds(op, exact ? text->compare(*other) : compare_names(*text, *other));
  }
  if (!left.is_number() || !right.is_number()) return Failed{};
  if (left.is<double>() || right.is<double>())
    return compare_reals(op, as_real(left), as_real(right));
  const Integer a = as_integer(left), b = as_integer(right);
  return holds(op, a < b ? -1 : a > b ? 1 : 0);
}

// Of the same type and the same value; true and false where others are undefined.
Value identical(Operator op, const Value& left, const Value& right) {
  const bool wanted = op == Operator::is;
  if (left.index() != right.index()) return !wanted;
  if (left.is<Undefined>() || left.is<Failed>()) return wanted;
  return compare(op, left, right);
}

Value divide(Operator op, Integer a, Integer b) {
  if (b == 0) return Failed{};
  if (b == -1 && a == std::numeric_limits<Integer>::min())  // the one that does not fit
    return op == Operator::divide ? std::numeric_limits<Integer>::max() : Integer{0};
  return op == Operator::divide ? a / b : a % b;
}

Value arithmetic(Operator op, const Value& left, const Value& right) {
  if (!left.is_number() || !right.is_number()) return Failed{};
  if (left.is<double>() || right.is<double>()) {
    const double a = as_real(left), b = as_real(right);
    double result = 0;
    switch (op) {
      case Operator::add:
        result = a + b;
        break;
      case Operator::subtract:
        result = a - b;
        break;
      case Operator::multiply:
        result = a * b;
        break;
      case Operator::divide:
        result = a / b;
        break;
      default:
        return Failed{};
    }
    if (result == std::numeric_limits<double>::infinity()) return Failed{};
    return result;
  }
  const Integer a = as_integer(left), b = as_integer(right);
  switch (op) {
    case Operator::add:
      return wrapped(bits(a) + bits(b));
    case Operator::subtract:
      return wrapped(bits(a) - bits(b));
    case Operator::multiply:
      return wrapped(bits(a) * bits(b));
    default:
      return divide(op, a, b);
  }
}

Value bitwise(Operator op, const Value& left, const Value& right) {
  const Integer* a = left.get<Integer>();
  const Integer* b = right.get<Integer>();
  if (!a || !b) return Failed{};
  const unsigned distance = static_cast<unsigned>(*b) & 63;
  switch (op) {
    case Operator::bit_or:
      return *a | *b;
    case Operator::bit_xor:
      return *a ^ *b;
    case Operator::bit_and:
      return *a & *b;
    case Operator::shift_left:
      return wrapped(bits(*a) << distance);
    case Operator::shift_right:
      return *a >> distance;
    default:
      return wrapped(bits(*a) >> distance);
  }
}

// The left side did not decide.
Value logical(Operator op, const Value& left, const Value& right) {
  if (left.is<Failed>()) return left;
  const std::optional<bool> a = truth(left), b = truth(right);
  if (!a && !left.is<Undefined>()) return Failed{};
  if (!b) return right.is<Undefined>() ? right : Value(Failed{});
  if (a) return *b;
  // One is undefined: the other one decides, or nothing does.
  const bool decides = op == Operator::logical_or;
  if (*b == decides) return decides;
  return Undefined{};
}

}  // namespace

std::optional<bool> truth(const Value& value) {
  if (const bool* boolean = value.get<bool>()) return *boolean;
  if (const Integer* integer = value.get<Integer>()) return *integer != 0;
  if (const double* real = value.get<double>()) return *real != 0;
  return {};
}

std::optional<Value> decided_by(Operator op, const Value& left) {
  const std::optional<bool> known = truth(left);
  if (op == Operator::logical_or && known == true) return Value(true);
  if (op == Operator::logical_and && known == false) return Value(false);
  return {};
}

Value operate(Operator op, const Value& operand) {
  if (operand.is<Failed>() || operand.is<Undefined>()) return operand;
  switch (op) {
    case Operator::logical_not:
      if (const std::optional<bool> known = truth(operand)) return !*known;
      return Failed{};
    case Operator::bit_not:
      if (const Integer* integer = operand.get<Integer>()) return ~*integer;
      return Failed{};
    default:
      break;
  }
  const Integer* integer = operand.get<Integer>();
  const double* real = operand.get<double>();
  if (!integer && !real) return Failed{};
  if (op == Operator::plus) return operand;
  return integer ? Value(wrapped(0 - bits(*integer))) : Value(-*real);
}

Value operate(Operator op, const Value& left, const Value& right) {
  if (op == Operator::is || op == Operator::is_not) return identical(op, left, right);
  if (op == Operator::logical_or || op == Operator::logical_and) {
    if (const std::optional<Value> known = decided_by(op, left)) return *known;
    return logical(op, left, right);
  }
  for (const Value* side : {&left, &right})
    if (side->is<Failed>()) return *side;
  for (const Value* side : {&left, &right})
    if (side->is<Undefined>()) return *side;
  if (is_comparison(op)) return compare(op, left, right);
  if (op >= Operator::add) return arithmetic(op, left, right);
  return bitwise(op, left, right);
}

}  // namespace podpilot::agent::htcondor
