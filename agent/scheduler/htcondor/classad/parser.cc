// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstring>

#include "agent/scheduler/htcondor/classad/ad.h"
#include "agent/scheduler/htcondor/classad/expression.h"
#include "agent/scheduler/htcondor/classad/functions.h"
#include "agent/scheduler/htcondor/classad/lexer.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kMaxRecord = 1000;  // names of an ad inside an expression

// From the loosest to the tightest.
int level_of(Operator op) {
  switch (op) {
    case Operator::logical_or:
      return 0;
    case Operator::logical_and:
      return 1;
    case Operator::bit_or:
      return 2;
    case Operator::bit_xor:
      return 3;
    case Operator::bit_and:
      return 4;
    case Operator::equal:
    case Operator::not_equal:
    case Operator::is:
    case Operator::is_not:
      return 5;
    case Operator::less:
    case Operator::less_equal:
    case Operator::greater:
    case Operator::greater_equal:
      return 6;
    case Operator::shift_left:
    case Operator::shift_right:
    case Operator::shift_right_unsigned:
      return 7;
    case Operator::add:
    case Operator::subtract:
      return 8;
    default:
      return 9;
  }
}

Result<void> adopt(std::vector<Expression>& children, Result<Expression> child) {
  if (!child) return std::move(child).error();
  children.push_back(*std::move(child));
  return {};
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Expression> all() {
    TRY(advance());
    Expression result = TRY(expression());
    if (token_.kind != Lexeme::Kind::end) return expected("an operator or the end");
    return result;
  }

 private:
  Result<void> advance() {
    token_ = TRY(lexer_.next());
    return {};
  }
  Result<void> expect(char mark) {
    if (!token_.is(mark)) return expected(fmt::format("'{}'", mark));
    return advance();
  }
  Error expected(std::string_view what) const {
    return {Fault::invalid, fmt::format("expected {} at character {}", what, token_.at + 1)};
  }
  Result<void> deeper() {
    if (depth_ == kMaxNesting)
      return Error{Fault::invalid, fmt::format("nested deeper than {}", kMaxNesting)};
    ++depth_;
    return {};
  }

  Result<Expression> expression();
  Result<Expression> chain(int level);  // of operators at least as tight
  Result<Expression> unary();
  Result<Expression> postfix();
  Result<Expression> primary();
  Result<Expression> named();
  // Between commas, from the mark that is the token now to `end`.
  Result<std::vector<Expression>> elements(char end);
  Result<Expression> record();

  Lexer lexer_;
  Lexeme token_;
  unsigned depth_ = 0;
};

Result<Expression> Parser::expression() {
  TRY(deeper());
  Expression result = TRY(chain(0));
  if (token_.is('?')) {
    Node node{.kind = Node::Kind::ternary};
    node.children.push_back(std::move(result));
    TRY(advance());
    TRY(adopt(node.children, expression()));
    TRY(expect(':'));
    TRY(adopt(node.children, expression()));
    result = make_expression(std::move(node));
  }
  --depth_;
  return result;
}

Result<Expression> Parser::chain(int level) {
  Expression first = TRY(unary());
  while (token_.kind == Lexeme::Kind::binary && level_of(token_.op) >= level) {
    const int here = level_of(token_.op);
    Node node{.kind = Node::Kind::chain};
    node.children.push_back(std::move(first));
    while (token_.kind == Lexeme::Kind::binary && level_of(token_.op) == here) {
      node.operators.push_back(token_.op);
      TRY(advance());
      TRY(adopt(node.children, chain(here + 1)));
    }
    first = make_expression(std::move(node));
  }
  return first;
}

Result<Expression> Parser::unary() {
  std::optional<Operator> op;
  if (token_.is('!')) op = Operator::logical_not;
  if (token_.is('~')) op = Operator::bit_not;
  if (token_.kind == Lexeme::Kind::binary && token_.op == Operator::add) op = Operator::plus;
  if (token_.kind == Lexeme::Kind::binary && token_.op == Operator::subtract) op = Operator::minus;
  if (!op) return postfix();
  TRY(deeper());
  TRY(advance());
  Node node{.kind = Node::Kind::unary, .operators = {*op}};
  TRY(adopt(node.children, unary()));
  --depth_;
  return make_expression(std::move(node));
}

Result<Expression> Parser::postfix() {
  Expression result = TRY(primary());
  const unsigned depth = depth_;
  while (token_.is('.') || token_.is('[') || token_.is(kOrElse)) {
    TRY(deeper());  // each is around the one before
    Node node;
    node.children.push_back(std::move(result));
    if (token_.is('.')) {
      node.kind = Node::Kind::select;
      TRY(advance());
      if (token_.kind != Lexeme::Kind::name) return expected("a name");
      node.names.push_back(std::move(token_.name));
      TRY(advance());
    } else if (token_.is('[')) {
      node.kind = Node::Kind::subscript;
      TRY(advance());
      TRY(adopt(node.children, expression()));
      TRY(expect(']'));
    } else {
      node.kind = Node::Kind::or_else;
      TRY(advance());
      TRY(adopt(node.children, unary()));
    }
    result = make_expression(std::move(node));
  }
  depth_ = depth;
  return result;
}

Result<Expression> Parser::primary() {
  if (token_.kind == Lexeme::Kind::name) return named();
  if (token_.kind == Lexeme::Kind::literal) {
    Node node{.kind = Node::Kind::literal, .literal = std::move(token_.literal)};
    TRY(advance());
    return make_expression(std::move(node));
  }
  if (token_.is('{')) {
    Node node{.kind = Node::Kind::list};
    node.children = TRY(elements('}'));
    return make_expression(std::move(node));
  }
  if (token_.is('[')) return record();
  if (token_.is('(')) {
    TRY(advance());
    Node node{.kind = Node::Kind::parentheses};
    TRY(adopt(node.children, expression()));
    TRY(expect(')'));
    return make_expression(std::move(node));
  }
  if (token_.is('.')) {
    TRY(advance());
    if (token_.kind != Lexeme::Kind::name) return expected("a name");
    Node node{.kind = Node::Kind::root_name};
    node.names.push_back(std::move(token_.name));
    TRY(advance());
    return make_expression(std::move(node));
  }
  return expected("a value");
}

Result<Expression> Parser::named() {
  Node node{.kind = Node::Kind::name};
  node.names.push_back(std::move(token_.name));
  TRY(advance());
  if (!token_.is('(')) return make_expression(std::move(node));
  node.kind = Node::Kind::call;
  node.function = find_function(node.names[0]);
  node.children = TRY(elements(')'));
  return make_expression(std::move(node));
}

Result<std::vector<Expression>> Parser::elements(char end) {
  std::vector<Expression> result;
  TRY(advance());
  if (!token_.is(end)) {
    TRY(adopt(result, expression()));
    while (token_.is(',')) {
      TRY(advance());
      TRY(adopt(result, expression()));
    }
  }
  TRY(expect(end));
  return result;
}

Result<Expression> Parser::record() {
  TRY(advance());
  Node node{.kind = Node::Kind::record};
  while (!token_.is(']')) {
    if (token_.is(';')) {
      TRY(advance());
      continue;
    }
    if (token_.kind != Lexeme::Kind::name) return expected("a name");
    std::string name = std::move(token_.name);
    TRY(advance());
    TRY(expect('='));
    Expression value = TRY(expression());
    if (!token_.is(']') && !token_.is(';')) return expected("';' or ']'");
    std::size_t i = 0;
    while (i < node.names.size() && !same_name(node.names[i], name)) ++i;
    if (i == node.names.size()) {
      node.names.push_back(std::move(name));
      node.children.push_back(std::move(value));
    } else {
      node.children[i] = std::move(value);
    }
    if (node.names.size() > kMaxRecord) return expected("fewer names");
  }
  TRY(expect(']'));
  return make_expression(std::move(node));
}

}  // namespace

Expression make_expression(Node node) {
  const auto wipe = [](Node* made) {
    if (auto* text = std::get_if<std::string>(&made->literal))
      explicit_bzero(text->data(), text->size());
    delete made;
  };
  return std::shared_ptr<Node>(new Node(std::move(node)), wipe);
}

Result<Expression> parse_expression(std::string_view text) {
  if (text.size() > kMaxExpression)
    return Error{Fault::invalid, fmt::format("longer than {} bytes", kMaxExpression)};
  return Parser(text).all();
}

}  // namespace podpilot::agent::htcondor
