// SPDX-License-Identifier: Apache-2.0
// One evaluation of one expression, with an end: what a peer's ad can ask for in steps, depth and
// memory is bounded, and one that asks for more fails as a whole.
#pragma once

#include <string>
#include <vector>

#include "agent/scheduler/htcondor/classad/expression.h"

namespace podpilot::agent::htcondor {

class Evaluation {
 public:
  // `target` may be null.
  Evaluation(const Attributes& mine, const Attributes* target) : sides_{&mine, target} {}

  // Failed where the bounds were passed.
  Value result_of(const Node& node);

  // For functions.
  Value operator()(const Node& node, const Scope& scope);
  std::vector<Value> all(const std::vector<Expression>& nodes, const Scope& scope);
  // Accounts for `bytes` of a result; false where there were too many.
  bool afford(std::size_t bytes);
  // Of an expression that was made on the way, and that a value may point into.
  void keep(Expression made) { kept_.push_back(std::move(made)); }
  // What a name in an expression stands for; `scope` becomes that of the ad that has it.
  Expression find(const std::string& name, Scope& scope);

 private:
  Value name(const Node& node, const Scope& scope);
  Value member(const Value& of, const std::string& name);
  Value subscript(const Value& of, const Value& index);
  Value chain(const Node& node, const Scope& scope);
  Value ternary(const Node& node, const Scope& scope);
  Value list(const Node& node, const Scope& scope);
  Value enter(const Node& node, const Scope& scope);
  // Looks `name` up from `scope` outwards, which becomes where it was found.
  Expression lookup(const std::string& name, Scope& scope) const;
  bool other_side(const Scope& scope) const { return sides_[1 - scope.side] != nullptr; }

  const Attributes* sides_[2];
  std::vector<Expression> kept_;
  unsigned steps_ = 0;
  unsigned depth_ = 0;
  std::size_t bytes_ = 0;
  bool exceeded_ = false;
};

}  // namespace podpilot::agent::htcondor
