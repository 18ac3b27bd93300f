// SPDX-License-Identifier: Apache-2.0
// What a ClassAd expression evaluates to.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace podpilot::agent::htcondor {

struct Node;
using Expression = std::shared_ptr<const Node>;

// Values by themselves: a name without a value, and a value that cannot be.
struct Undefined {
  bool operator==(const Undefined&) const = default;
};
struct Failed {
  bool operator==(const Failed&) const = default;
};

// The ad that names are looked up in: one of the two that are matched, or one inside an expression
// of theirs.
struct Nested;
struct Scope {
  int side = 0;  // 0: the ad that is evaluated, 1: its target
  std::shared_ptr<const Nested> nested;
};
struct Nested {
  Expression record;
  std::shared_ptr<const Nested> outer;  // none: the ad itself
};

struct Value;
using List = std::vector<Value>;

struct Value : std::variant<Undefined, Failed, bool, std::int64_t, double, std::string,
                            std::shared_ptr<const List>, Scope> {
  using variant::variant;
  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(*this);
  }
  template <typename T>
  const T* get() const {
    return std::get_if<T>(this);
  }
  const List* list() const {
    const auto* shared = get<std::shared_ptr<const List>>();
    return shared ? shared->get() : nullptr;
  }
  bool is_number() const { return is<std::int64_t>() || is<double>() || is<bool>(); }
};

Value make_list(List elements);

// How text is written: ads on the wire escape nothing but quotes; what functions make of values
// also escapes control characters and backslashes, and writes reals in full.
enum class Style { old_ad, new_ad };

void append_string(std::string& out, std::string_view text, Style style, char quote = '"');
void append_real(std::string& out, double value, Style style);
void append_value(std::string& out, const Value& value, Style style);

// Strings compare without regard to case, everywhere but in =?= and strcmp().
bool same_name(std::string_view a, std::string_view b);
int compare_names(std::string_view a, std::string_view b);
char lower(char c);
struct NameLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return compare_names(a, b) < 0; }
};

}  // namespace podpilot::agent::htcondor
