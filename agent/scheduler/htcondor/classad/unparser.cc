// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "agent/scheduler/htcondor/classad/expression.h"
#include "agent/scheduler/htcondor/classad/functions.h"

namespace podpilot::agent::htcondor {
namespace {

std::string_view spelling(Operator op, Style style) {
  switch (op) {
    case Operator::plus:
      return " +";
    case Operator::minus:
      return " -";
    case Operator::logical_not:
      return " !";
    case Operator::bit_not:
      return " ~";
    case Operator::logical_or:
      return " || ";
    case Operator::logical_and:
      return " && ";
    case Operator::bit_or:
      return " | ";
    case Operator::bit_xor:
      return " ^ ";
    case Operator::bit_and:
      return " & ";
    case Operator::equal:
      return " == ";
    case Operator::not_equal:
      return " != ";
    case Operator::is:
      return style == Style::old_ad ? " =?= " : " is ";
    case Operator::is_not:
      return style == Style::old_ad ? " =!= " : " isnt ";
    case Operator::less:
      return " < ";
    case Operator::less_equal:
      return " <= ";
    case Operator::greater:
      return " > ";
    case Operator::greater_equal:
      return " >= ";
    case Operator::shift_left:
      return " << ";
    case Operator::shift_right:
      return " >> ";
    case Operator::shift_right_unsigned:
      return " >>> ";
    case Operator::add:
      return " + ";
    case Operator::subtract:
      return " - ";
    case Operator::multiply:
      return " * ";
    case Operator::divide:
      return " / ";
    case Operator::modulus:
      return " % ";
  }
  return "";
}

// Names that are no words are between single quotes, and so are those that mean something else.
void append_name(std::string& out, const std::string& name, Style style) {
  bool plain = !name.empty() && !(name[0] >= '0' && name[0] <= '9');
  for (const char c : name)
    plain = plain && ((lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_');
  for (const char* word : {"error", "false", "is", "isnt", "parent", "true", "undefined"})
    plain = plain && !same_name(name, word);
  if (plain)
    out += name;
  else
    append_string(out, name, style, '\'');
}

void append_children(std::string& out, const Node& node, Style style) {
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    if (i > 0) out += ',';
    append_expression(out, *node.children[i], style);
  }
}

}  // namespace

void append_expression(std::string& out, const Node& node, Style style) {
  const auto child = [&](std::size_t i) { append_expression(out, *node.children[i], style); };
  switch (node.kind) {
    case Node::Kind::literal:
      append_value(out, node.literal, style);
      break;
    case Node::Kind::root_name:
      out += '.';
      [[fallthrough]];
    case Node::Kind::name:
      append_name(out, node.names[0], style);
      break;
    case Node::Kind::select:
      child(0);
      out += '.';
      append_name(out, node.names[0], style);
      break;
    case Node::Kind::subscript:
      child(0);
      out += '[';
      child(1);
      out += ']';
      break;
    case Node::Kind::unary:
      out += spelling(node.operators[0], style);
      child(0);
      break;
    case Node::Kind::chain:
      child(0);
      for (std::size_t i = 0; i < node.operators.size(); ++i) {
        out += spelling(node.operators[i], style);
        child(i + 1);
      }
      break;
    case Node::Kind::ternary:
      child(0);
      out += " ? ";
      child(1);
      out += " : ";
      child(2);
      break;
    case Node::Kind::or_else:
      child(0);
      out += " ?: ";
      child(1);
      break;
    case Node::Kind::parentheses:
      out += '(';
      child(0);
      out += ')';
      break;
    case Node::Kind::call:
      append_name(out, node.names[0], style);
      out += '(';
      append_children(out, node, style);
      out += ')';
      break;
    case Node::Kind::list:
      out += "{ ";
      append_children(out, node, style);
      out += " }";
      break;
    case Node::Kind::record:
      out += "[ ";
      for (std::size_t i = 0; i < node.children.size(); ++i) {
        if (i > 0) out += "; ";
        append_name(out, node.names[i], style);
        out += " = ";
        child(i);
      }
      out += " ]";
      break;
  }
}

Result<void> check_calls(const Node& node) {
  if (node.kind == Node::Kind::call) {
    const std::string& name = node.names[0];
    if (!node.function)
      return Error{Fault::unsupported, fmt::format("there is no function {}()", name)};
    if (node.children.size() < node.function->least || node.children.size() > node.function->most)
      return Error{Fault::unsupported,
                   fmt::format("{}() does not take {} arguments", name, node.children.size())};
  }
  for (const Expression& child : node.children) TRY(check_calls(*child));
  return {};
}

}  // namespace podpilot::agent::htcondor
