// SPDX-License-Identifier: Apache-2.0
// Words of a ClassAd expression, in the old syntax: a backslash in a string means itself, but for
// one before a quote that does not end the text.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "agent/scheduler/htcondor/classad/expression.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// The mark of "?:". Since HTCondor 25 it binds as tightly as a subscript, before that as "? :"
// does.
inline constexpr char kOrElse = 'e';

struct Lexeme {
  enum class Kind { end, literal, name, binary, punctuation };
  Kind kind = Kind::end;
  Value literal{};
  std::string name{};
  Operator op = Operator::plus;  // of binary; minus and plus are subtract and add
  char mark = 0;                 // of punctuation: one of ( ) { } [ ] , ; . ? : = ! ~, kOrElse
  std::size_t at = 0;            // offset in the text

  bool is(char c) const { return kind == Kind::punctuation && mark == c; }
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Result<Lexeme> next();

 private:
  Result<void> skip_blanks();
  Result<Lexeme> number();
  Result<Lexeme> string(char quote);
  Lexeme word();
  Result<Lexeme> mark();
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  Error invalid(std::string_view what) const;

  std::string_view text_;
  std::size_t at_ = 0;
  bool after_operand_ = false;  // then a minus is an operator, else it may begin a number
};

}  // namespace podpilot::agent::htcondor
