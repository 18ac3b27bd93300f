// SPDX-License-Identifier: Apache-2.0
// Ads whose values are literals: what daemons tell each other before they trust each other, and
// what brokers say. Names are case-insensitive. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "agent/scheduler/htcondor/cedar/message.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::htcondor {

class LiteralAd {
 public:
  static constexpr std::size_t kMaxAttributes = 100;  // as HTCondor's getPODClassAd
  using Value = std::variant<bool, std::int64_t, double, std::string>;

  LiteralAd& set(std::string_view name, std::string_view value);
  LiteralAd& set(std::string_view name, const char* value) {
    return set(name, std::string_view(value));
  }
  LiteralAd& set(std::string_view name, bool value);
  LiteralAd& set(std::string_view name, std::int64_t value);

  // Nothing where absent or of another type; string() is "" then.
  std::string string(std::string_view name) const;
  std::optional<std::int64_t> integer(std::string_view name) const;
  std::optional<bool> boolean(std::string_view name) const;
  bool has(std::string_view name) const;

 private:
  friend void put_literal_ad(MessageWriter& out, const LiteralAd& ad);
  friend Result<LiteralAd> get_literal_ad(MessageReader& in);
  struct CaseLess {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };
  std::map<std::string, Value, CaseLess> values_;
};

void put_literal_ad(MessageWriter& out, const LiteralAd& ad);
// More than kMaxAttributes, or a line that is no attribute: Fault::invalid. An attribute whose
// value is an expression, or undefined, is as good as absent.
Result<LiteralAd> get_literal_ad(MessageReader& in);

}  // namespace podpilot::agent::htcondor
