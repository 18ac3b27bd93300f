// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/lexer.h"

#include <fmt/format.h>

#include <charconv>

namespace podpilot::agent::htcondor {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

struct Spelling {
  std::string_view text;
  Operator op;
};
// Longer ones before their own beginnings.
constexpr Spelling kBinary[] = {
    {"=?=", Operator::is},
    {"=!=", Operator::is_not},
    {">>>", Operator::shift_right_unsigned},
    {"==", Operator::equal},
    {"!=", Operator::not_equal},
    {"<=", Operator::less_equal},
    {">=", Operator::greater_equal},
    {"<<", Operator::shift_left},
    {">>", Operator::shift_right},
    {"&&", Operator::logical_and},
    {"||", Operator::logical_or},
    {"<", Operator::less},
    {">", Operator::greater},
    {"&", Operator::bit_and},
    {"|", Operator::bit_or},
    {"^", Operator::bit_xor},
    {"+", Operator::add},
    {"-", Operator::subtract},
    {"*", Operator::multiply},
    {"/", Operator::divide},
    {"%", Operator::modulus},
};

}  // namespace

Error Lexer::invalid(std::string_view what) const {
  return {Fault::invalid, fmt::format("{} at character {}", what, at_ + 1)};
}

Result<void> Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    if (is_blank(peek())) {
      ++at_;
    } else if (peek() == '/' && peek(1) == '/') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (peek() == '/' && peek(1) == '*') {
      const std::size_t end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) return invalid("comment without an end");
      at_ = end + 2;
    } else {
      break;
    }
  }
  return {};
}

Result<Lexeme> Lexer::number() {
  const std::size_t start = at_;
  bool real = false;
  if (peek() == '-') ++at_;
  const std::size_t digits = at_;
  while (is_digit(peek())) ++at_;
  if (peek() == '.') {
    if (!is_digit(peek(1))) return invalid("number that ends in a point");
    real = true;
    ++at_;
    while (is_digit(peek())) ++at_;
  }
  if (lower(peek()) == 'e') {
    real = true;
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!is_digit(peek())) return invalid("exponent without digits");
    while (is_digit(peek())) ++at_;
  }
  const std::string_view text = text_.substr(start, at_ - start);
  Lexeme token{.kind = Lexeme::Kind::literal, .at = start};
  if (real) {
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    // What is too large is infinite or 0, as strtod() has it.
    if (problem == std::errc::result_out_of_range)
      value = std::strtod(std::string(text).c_str(), nullptr);
    token.literal = value;
    return token;
  }
  if (text_[digits] == '0' && at_ > digits + 1) return invalid("number with a leading 0");
  if (is_alpha(peek())) return invalid("letter in a number");
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc()) return invalid("number too large");
  token.literal = value;
  return token;
}

Result<Lexeme> Lexer::string(char quote) {
  Lexeme token{.at = at_};
  std::string text;
  for (++at_;; ++at_) {
    if (at_ >= text_.size()) return invalid("string without an end");
    if (peek() != quote) {
      text += peek();
    } else if (!text.empty() && text_[at_ - 1] == '\\' && at_ + 1 < text_.size() &&
               peek(1) != '\n') {
      text.back() = quote;
    } else {
      break;
    }
  }
  ++at_;
  if (quote == '"') {
    token.kind = Lexeme::Kind::literal;
    token.literal = std::move(text);
  } else {
    token.kind = Lexeme::Kind::name;
    token.name = std::move(text);
  }
  return token;
}

Lexeme Lexer::word() {
  const std::size_t start = at_;
  while (is_alpha(peek()) || is_digit(peek())) ++at_;
  const std::string_view text = text_.substr(start, at_ - start);
  Lexeme token{.kind = Lexeme::Kind::literal, .at = start};
  if (same_name(text, "true") || same_name(text, "false")) {
    token.literal = same_name(text, "true");
  } else if (same_name(text, "undefined")) {
    token.literal = Undefined{};
  } else if (same_name(text, "error")) {
    token.literal = Failed{};
  } else if (same_name(text, "is") || same_name(text, "isnt")) {
    token.kind = Lexeme::Kind::binary;
    token.op = same_name(text, "is") ? Operator::is : Operator::is_not;
  } else {
    token.kind = Lexeme::Kind::name;
    token.name = text;
  }
  return token;
}

Result<Lexeme> Lexer::mark() {
  Lexeme token{.at = at_};
  for (const Spelling& spelling : kBinary) {
    if (!text_.substr(at_).starts_with(spelling.text)) continue;
    at_ += spelling.text.size();
    token.kind = Lexeme::Kind::binary;
    token.op = spelling.op;
    return token;
  }
  static constexpr std::string_view kMarks = "(){}[],;.?:=!~";
  if (kMarks.find(peek()) == std::string_view::npos || peek() == '\0')
    return invalid("unexpected character");
  token.kind = Lexeme::Kind::punctuation;
  token.mark = peek();
  ++at_;
  if (token.mark != '?') return token;
  std::size_t after = at_;
  while (after < text_.size() && is_blank(text_[after])) ++after;
  if (after < text_.size() && text_[after] == ':') {
    token.mark = kOrElse;
    at_ = after + 1;
  }
  return token;
}

Result<Lexeme> Lexer::next() {
  TRY(skip_blanks());
  Lexeme token{.at = at_};
  if (at_ >= text_.size()) return token;
  const char c = peek();
  const char first = c == '-' && !after_operand_ ? peek(1) : c;
  const char second = first == c ? peek(1) : peek(2);
  if (is_digit(first) || (first == '.' && is_digit(second)))
    token = TRY(number());
  else if (is_alpha(c))
    token = word();
  else if (c == '"' || c == '\'')
    token = TRY(string(c));
  else
    token = TRY(mark());
  after_operand_ = token.kind == Lexeme::Kind::literal || token.kind == Lexeme::Kind::name ||
                   token.is(')') || token.is(']') || token.is('}') || token.is('.');
  return token;
}

}  // namespace podpilot::agent::htcondor
