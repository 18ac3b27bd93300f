// SPDX-License-Identifier: Apache-2.0
// ClassAd expressions as trees: text to tree and back. A tree is never changed once it is made, and
// is shared by the ads that hold it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/scheduler/htcondor/classad/value.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

struct Function;

enum class Operator : std::uint8_t {
  plus,  // these four take one operand
  minus,
  logical_not,
  bit_not,
  logical_or,  // and these two
  logical_and,
  bit_or,
  bit_xor,
  bit_and,
  equal,
  not_equal,
  is,
  is_not,
  less,
  less_equal,
  greater,
  greater_equal,
  shift_left,
  shift_right,
  shift_right_unsigned,
  add,
  subtract,
  multiply,
  divide,
  modulus,
};

struct Node {
  enum class Kind : std::uint8_t {
    literal,
    name,       // names[0], looked up in the scopes around
    root_name,  // .names[0], looked up in the ad itself
    select,     // children[0].names[0]
    subscript,  // children[0][children[1]]
    unary,      // operators[0] children[0]
    chain,      // children[0] operators[0] children[1] operators[1] children[2] ..., from the left
    ternary,    // children[0] ? children[1] : children[2]
    or_else,    // children[0] ?: children[1], where the first is undefined
    parentheses,
    call,    // names[0](children...); function is null if there is no such function
    list,    // {children...}
    record,  // [names[0] = children[0]; ...]
  };
  Kind kind = Kind::literal;
  Value literal{};
  std::vector<std::string> names{};
  std::vector<Operator> operators{};
  std::vector<Expression> children{};
  const Function* function = nullptr;
};

// The only way to make one: a literal's text is wiped with it, because it may be a claim id.
Expression make_expression(Node node);

using Attributes = std::map<std::string, Expression, NameLess>;

// All of `text`. Fault::invalid says what was expected and where.
Result<Expression> parse_expression(std::string_view text);

void append_expression(std::string& out, const Node& node, Style style = Style::old_ad);

// Every call in it is of a function that exists, with a number of arguments that it takes; else
// Fault::unsupported.
Result<void> check_calls(const Node& node);

}  // namespace podpilot::agent::htcondor
