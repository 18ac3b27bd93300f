// SPDX-License-Identifier: Apache-2.0
#include <ctime>
#include <random>

#include "agent/scheduler/htcondor/classad/functions.h"
#include "agent/scheduler/htcondor/classad/operators.h"

namespace podpilot::agent::htcondor {
namespace {

using Integer = std::int64_t;

Value if_then_else(const Call& call) {
  Value condition = call[0];
  if (condition.is<Undefined>()) return condition;
  const std::optional<bool> known = truth(condition);
  if (!known) return Failed{};
  return call[*known ? 1 : 2];
}

Value eval(const Call& call) {
  const std::optional<std::string> text = as_text(call[0]);
  if (!text) return Failed{};
  // The tree is larger than its text.
  if (!call.evaluation.afford(text->size() * 16)) return Failed{};
  const Result<Expression> made = parse_expression(*text);
  if (!made) return Failed{};
  call.evaluation.keep(*made);
  return call.evaluation(**made, call.scope);
}

Value unparse(const Call& call) {
  const Node& name = *call.arguments[0];
  if (name.kind != Node::Kind::name) return Failed{};
  Scope found = call.scope;
  const Expression expression = call.evaluation.find(name.names[0], found);
  std::string text;
  if (expression) append_expression(text, *expression, Style::new_ad);
  if (!call.evaluation.afford(text.size())) return Failed{};
  return text;
}

Value now(const Call&) {
  return static_cast<Integer>(std::time(nullptr));
}

Value random(const Call& call) {
  static thread_local std::mt19937_64 generator{std::random_device{}()};
  const Value limit = call.size() > 0 ? call[0] : Value(1.0);
  if (const Integer* integer = limit.get<Integer>(); integer && *integer > 0)
    return std::uniform_int_distribution<Integer>(0, *integer - 1)(generator);
  if (const double* real = limit.get<double>(); real && *real > 0)
    return std::uniform_real_distribution<double>(0, *real)(generator);
  return Failed{};
}

// The values of the first argument inside each ad of the second, a list.
std::optional<List> in_each(const Call& call, const List& ads) {
  const Node* node = call.arguments[0].get();
  // A name stands for the expression that it has here, if it has one.
  Expression named;
  if (node->kind == Node::Kind::name) {
    Scope found = call.scope;
    named = call.evaluation.find(node->names[0], found);
  } else if (node->kind == Node::Kind::select && node->children[0]->kind == Node::Kind::name) {
    const Value of = call.evaluation(*node->children[0], call.scope);
    if (const Scope* ad = of.get<Scope>()) {
      Scope found = *ad;
      named = call.evaluation.find(node->names[0], found);
    }
  }
  if (named) node = named.get();
  List results;
  for (const Value& ad : ads) {
    const Scope* scope = ad.get<Scope>();
    if (!scope) return {};
    results.push_back(call.evaluation(*node, *scope));
  }
  return results;
}

Value eval_in_each(const Call& call) {
  Value ads = call[1];
  if (ads.is<Undefined>()) return ads;
  const List* list = ads.list();
  if (!list) return Failed{};
  std::optional<List> results = in_each(call, *list);
  if (!results) return Failed{};
  return make_list(std::move(*results));
}

Value count_matches(const Call& call) {
  const Value ads = call[1];
  if (ads.is<Undefined>()) return Integer{0};
  const List* list = ads.list();
  const std::optional<List> results = list ? in_each(call, *list) : std::nullopt;
  if (!results) return Failed{};
  Integer count = 0;
  for (const Value& result : *results) count += truth(result) == true ? 1 : 0;
  return count;
}

Value same(const Call& call) {
  return call[0];
}

constexpr Function kTable[] = {
    {"ifThenElse", 3, 3, if_then_else},
    {"eval", 1, 1, eval},
    {"unparse", 1, 1, unparse},
    {"time", 0, 0, now},
    {"random", 0, 1, random},
    {"evalInEachContext", 2, 2, eval_in_each},
    {"countMatches", 2, 2, count_matches},
    {"debug", 1, 1, same},
};

}  // namespace

std::span<const Function> control_functions() {
  return kTable;
}

}  // namespace podpilot::agent::htcondor
