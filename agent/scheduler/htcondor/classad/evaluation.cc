// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/evaluation.h"

#include <ctime>

#include "agent/scheduler/htcondor/classad/functions.h"
#include "agent/scheduler/htcondor/classad/operators.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr unsigned kMaxSteps = 100'000;
// Of nodes inside each other, through the names that they stand for.
constexpr unsigned kMaxDepth = 1000;
constexpr std::size_t kMaxBytes = 16 << 20;

}  // namespace

Value Evaluation::result_of(const Node& node) {
  Value result = (*this)(node, Scope{});
  if (exceeded_) return Failed{};
  return result;
}

bool Evaluation::afford(std::size_t bytes) {
  if (bytes > kMaxBytes - bytes_)
    exceeded_ = true;
  else
    bytes_ += bytes;
  return !exceeded_;
}

Value Evaluation::operator()(const Node& node, const Scope& scope) {
  if (++steps_ > kMaxSteps || depth_ >= kMaxDepth) exceeded_ = true;
  if (exceeded_) return Failed{};
  ++depth_;
  Value result = enter(node, scope);
  --depth_;
  return result;
}

Value Evaluation::enter(const Node& node, const Scope& scope) {
  switch (node.kind) {
    case Node::Kind::literal:
      if (const std::string* text = node.literal.get<std::string>(); text && !afford(text->size()))
        return Failed{};
      return node.literal;
    case Node::Kind::name:
      return name(node, scope);
    case Node::Kind::root_name:
      return member(Scope{}, node.names[0]);
    case Node::Kind::select:
      return member((*this)(*node.children[0], scope), node.names[0]);
    case Node::Kind::subscript:
      return subscript((*this)(*node.children[0], scope), (*this)(*node.children[1], scope));
    case Node::Kind::unary:
      return operate(node.operators[0], (*this)(*node.children[0], scope));
    case Node::Kind::chain:
      return chain(node, scope);
    case Node::Kind::ternary:
      return ternary(node, scope);
    case Node::Kind::or_else: {
      Value first = (*this)(*node.children[0], scope);
      if (!first.is<Undefined>()) return first;
      return (*this)(*node.children[1], scope);
    }
    case Node::Kind::parentheses:
      return (*this)(*node.children[0], scope);
    case Node::Kind::call: {
      const std::size_t count = node.children.size();
      if (!node.function || count < node.function->least || count > node.function->most)
        return Failed{};
      return node.function->call({*this, scope, node.children});
    }
    case Node::Kind::list:
      return list(node, scope);
    case Node::Kind::record:
      break;
  }
  // A record: its node belongs to an ad or to this evaluation, which outlive the value.
  return Scope{scope.side, std::make_shared<const Nested>(
                               Nested{Expression(Expression(), &node), scope.nested})};
}

Expression Evaluation::lookup(const std::string& name, Scope& scope) const {
  for (; scope.nested; scope.nested = scope.nested->outer) {
    const Node& record = *scope.nested->record;
    for (std::size_t i = 0; i < record.names.size(); ++i)
      if (same_name(record.names[i], name)) return record.children[i];
  }
  const Attributes& ad = *sides_[scope.side];
  const auto found = ad.find(name);
  return found == ad.end() ? nullptr : found->second;
}

Expression Evaluation::find(const std::string& name, Scope& scope) {
  const Scope start = scope;
  if (Expression found = lookup(name, scope)) return found;
  // A name that the own ad does not have may be the target's.
  scope = start;
  if (!other_side(scope)) return nullptr;
  scope = Scope{1 - scope.side, nullptr};
  return lookup(name, scope);
}

Value Evaluation::name(const Node& node, const Scope& scope) {
  const std::string& name = node.names[0];
  if (same_name(name, "MY") || same_name(name, "self")) return scope;
  Scope found = scope;
  if (const Expression expression = lookup(name, found)) return (*this)(*expression, found);
  if (same_name(name, "TARGET") && other_side(scope)) return Scope{1 - scope.side, nullptr};
  if (same_name(name, "parent") && scope.nested) return Scope{scope.side, scope.nested->outer};
  if (same_name(name, "root") || same_name(name, "toplevel")) return Scope{};
  if (same_name(name, "CurrentTime")) return static_cast<std::int64_t>(std::time(nullptr));
  found = scope;
  const Expression expression = find(name, found);
  return expression ? (*this)(*expression, found) : Value(Undefined{});
}

Value Evaluation::member(const Value& of, const std::string& name) {
  if (of.is<Undefined>()) return of;
  if (const List* elements = of.list()) {
    List result;
    for (const Value& element : *elements) {
      if (++steps_ > kMaxSteps) exceeded_ = true;
      if (exceeded_) return Failed{};
      if (element.list()) return Failed{};  // nobody needs lists of lists of ads
      result.push_back(member(element, name));
    }
    return make_list(std::move(result));
  }
  const Scope* ad = of.get<Scope>();
  if (!ad) return Failed{};
  Scope found = *ad;
  const Expression expression = lookup(name, found);
  return expression ? (*this)(*expression, found) : Value(Undefined{});
}

Value Evaluation::subscript(const Value& of, const Value& index) {
  for (const Value* side : {&of, &index})
    if (side->is<Failed>()) return *side;
  for (const Value* side : {&of, &index})
    if (side->is<Undefined>()) return *side;
  const std::int64_t* position = index.get<std::int64_t>();
  if (const List* list = of.list(); list && position) {
    if (*position < 0 || static_cast<std::uint64_t>(*position) >= list->size()) return Failed{};
    return (*list)[static_cast<std::size_t>(*position)];
  }
  const Scope* ad = of.get<Scope>();
  const std::string* key = index.get<std::string>();
  if (!ad || !key) return Failed{};
  Scope found = *ad;
  const Expression expression = lookup(*key, found);
  // Unlike a selection, it does not look outside the ad.
  if (!expression || found.nested != ad->nested) return Undefined{};
  return (*this)(*expression, found);
}

Value Evaluation::chain(const Node& node, const Scope& scope) {
  Value left = (*this)(*node.children[0], scope);
  for (std::size_t i = 0; i < node.operators.size(); ++i) {
    if (std::optional<Value> known = decided_by(node.operators[i], left)) {
      left = std::move(*known);
      continue;
    }
    left = operate(node.operators[i], left, (*this)(*node.children[i + 1], scope));
  }
  return left;
}

Value Evaluation::ternary(const Node& node, const Scope& scope) {
  Value condition = (*this)(*node.children[0], scope);
  if (condition.is<Undefined>()) return condition;
  const std::optional<bool> known = truth(condition);
  if (!known) return Failed{};
  return (*this)(*node.children[*known ? 1 : 2], scope);
}

Value Evaluation::list(const Node& node, const Scope& scope) {
  if (!afford(node.children.size() * sizeof(Value))) return Failed{};
  return make_list(all(node.children, scope));
}

std::vector<Value> Evaluation::all(const std::vector<Expression>& nodes, const Scope& scope) {
  std::vector<Value> values;
  values.reserve(nodes.size());
  for (const Expression& node : nodes) values.push_back((*this)(*node, scope));
  return values;
}

}  // namespace podpilot::agent::htcondor
