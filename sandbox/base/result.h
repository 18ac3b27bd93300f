// SPDX-License-Identifier: Apache-2.0
// How failure travels: a value or an Error. An Error has a kind that says what the caller can do,
// and one line of text that grows outwards: each level adds what it alone knew.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace podpilot {

enum class Fault {
  transient,    // the same call may succeed later: retry with back-off
  not_found,    // the named thing does not exist
  denied,       // it exists, we may not have it: credentials or permissions
  unsupported,  // this pod, kernel or build cannot do it
  exhausted,    // out of space, inodes, memory or processes: make room
  corrupt,      // it contradicts its own digest, size or format
  invalid,      // the input is not what its format demands
  internal,     // a fault of ours
};

// The name used in logs, JSON and metric labels.
std::string_view to_string(Fault fault);

struct Error {
  Fault fault = Fault::internal;
  std::string text;

  // Puts `context` in front: "layer 3: sha256:ab12...: 17 bytes short".
  Error within(std::string_view context) && {
    text.insert(0, ": ").insert(0, context);
    return std::move(*this);
  }
};

// std::expected that cannot be ignored and that an Error converts into.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  Result(Error error) : std::expected<T, Error>(std::unexpect, std::move(error)) {}

  Result within(std::string_view context) && {
    if (!*this) this->error() = std::move(this->error()).within(context);
    return std::move(*this);
  }
};

}  // namespace podpilot

// The value of a Result, or a return of its Error from the enclosing function.
// Stands only as a whole initialiser, assignment, return or statement: inside an argument list or
// braces g++ 12 skips the destructors of siblings already built (scripts/check refuses it there).
#define TRY(expr)                                          \
  __extension__({                                          \
    auto&& try_result = (expr);                            \
    if (!try_result) return std::move(try_result).error(); \
    *std::move(try_result);                                \
  })
