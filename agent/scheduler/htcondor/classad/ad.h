// SPDX-License-Identifier: Apache-2.0
// A ClassAd: names with expressions, as HTCondor's daemons exchange them. Names are the same in
// upper and lower case, and keep the spelling they were first set with. Values, copies and moves;
// one thread at a time.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

// Limits of an ad that is read, whoever it is from.
inline constexpr std::size_t kMaxAttributes = 10'000;
inline constexpr std::size_t kMaxExpression = 1 << 20;  // bytes of one attribute's text
// Parentheses, operators and function calls inside each other.
inline constexpr unsigned kMaxNesting = 200;

class Ad {
 public:
  Ad();
  Ad(const Ad& other);
  Ad(Ad&& other) noexcept;
  Ad& operator=(const Ad& other);
  Ad& operator=(Ad&& other) noexcept;
  ~Ad();

  // Of literals. `name` is a name of ours: letters, digits and underscores.
  template <typename Value>
    requires std::is_arithmetic_v<Value>
  void set(std::string_view name, Value value) {
    if constexpr (std::same_as<Value, bool>)
      set_boolean(name, value);
    else if constexpr (std::integral<Value>)
      set_integer(name, static_cast<std::int64_t>(value));
    else
      set_real(name, value);
  }
  void set(std::string_view name, std::string_view value);
  void set(std::string_view name, const std::vector<std::string>& list);
  void set(std::string_view name, const std::vector<std::int64_t>& list);

  // Parses `text`, in the form that old-ClassAd lines have. Fault::invalid where it is no
  // expression or `name` no name.
  Result<void> set_expression(std::string_view name, std::string_view text);
  // The same for an expression that must be evaluated here: a function that does not exist, or is
  // called with a wrong number of arguments, is Fault::unsupported and names it.
  Result<void> set_checked_expression(std::string_view name, std::string_view text);

  bool has(std::string_view name) const;
  void erase(std::string_view name);
  // Every attribute of `other`, over this ad's own.
  void update(const Ad& other);
  std::size_t size() const;
  bool empty() const { return size() == 0; }

  // Unparsed, in the form that old-ClassAd lines have.
  std::optional<std::string> expression(std::string_view name) const;

  // Evaluated, with names that this ad has not looked up in `target` (and TARGET. there). Nothing
  // where it is undefined, an error or of another type. Integers and reals become each other
  // (reals are cut), and integer() and boolean() take each other's as ClassAds do: true is 1.
  std::optional<std::string> string(std::string_view name, const Ad* target = nullptr) const;
  std::optional<std::int64_t> integer(std::string_view name, const Ad* target = nullptr) const;
  std::optional<double> real(std::string_view name, const Ad* target = nullptr) const;
  std::optional<bool> boolean(std::string_view name, const Ad* target = nullptr) const;
  // A list's strings, or a string's words between commas.
  std::vector<std::string> strings(std::string_view name, const Ad* target = nullptr) const;
  // The value as text ("undefined", "error", "3", "\"x\"", "{ 1,2 }"): for messages and tests.
  std::string value(std::string_view name, const Ad* target = nullptr) const;

  // By name, in the order of tolower().
  void for_each(
      const std::function<void(const std::string& name, const std::string& expression)>& f) const;

 private:
  friend struct AdAccess;
  void set_boolean(std::string_view name, bool value);
  void set_integer(std::string_view name, std::int64_t value);
  void set_real(std::string_view name, double value);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The attribute of `mine` is true with `target`. An attribute that is missing, undefined or an
// error does not match.
bool matches(const Ad& mine, const Ad& target, std::string_view attribute = "Requirements");

// `text` as a string literal: "a\"b".
std::string quoted(std::string_view text);

}  // namespace podpilot::agent::htcondor
