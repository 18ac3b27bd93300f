// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/security/literal_ad.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace podpilot::agent::htcondor {
namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::string_view kSecretFollows = "ZKM";  // the next line is an attribute, too

Error bad(std::string_view why) {
  return {Fault::invalid, "an ad with " + std::string(why)};
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool is_name(std::string_view text) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && text.size() <= kMaxName && letter(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.'; });
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '\\';
    out += c;
  }
  return out + '"';
}

// Old ClassAds know one escape: \" for a quote.
std::string unquoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
    out += text[i];
  }
  return out;
}

template <typename Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<LiteralAd::Value> parse_literal(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"'))
    return unquoted(text.substr(1, text.size() - 2));
  if (same(text, "true")) return true;
  if (same(text, "false")) return false;
  if (const auto number = parse_whole<std::int64_t>(text)) return *number;
  if (const auto number = parse_whole<double>(text); number && std::isfinite(*number))
    return *number;
  return std::nullopt;
}

}  // namespace

bool LiteralAd::CaseLess::operator()(std::string_view a, std::string_view b) const {
  const int order = ::strncasecmp(a.data(), b.data(), std::min(a.size(), b.size()));
  return order != 0 ? order < 0 : a.size() < b.size();
}

LiteralAd& LiteralAd::set(std::string_view name, std::string_view value) {
  values_.insert_or_assign(std::string(name), std::string(value));
  return *this;
}
LiteralAd& LiteralAd::set(std::string_view name, bool value) {
  values_.insert_or_assign(std::string(name), value);
  return *this;
}
LiteralAd& LiteralAd::set(std::string_view name, std::int64_t value) {
  values_.insert_or_assign(std::string(name), value);
  return *this;
}

std::string LiteralAd::string(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return "";
  const auto* value = std::get_if<std::string>(&found->second);
  return value ? *value : "";
}

std::optional<std::int64_t> LiteralAd::integer(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  const auto* value = std::get_if<std::int64_t>(&found->second);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<bool> LiteralAd::boolean(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  const auto* value = std::get_if<bool>(&found->second);
  return value ? std::optional(*value) : std::nullopt;
}

bool LiteralAd::has(std::string_view name) const {
  return values_.contains(name);
}

void put_literal_ad(MessageWriter& out, const LiteralAd& ad) {
  struct Text {
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return fmt::format("{}", value); }
    std::string operator()(const std::string& value) const { return quoted(value); }
  };
  out.integer(static_cast<std::int64_t>(ad.values_.size()));
  for (const auto& [name, value] : ad.values_) out.string(name + " = " + std::visit(Text(), value));
  out.string("").string("");  // MyType and TargetType of ads before 7.9
}

Result<LiteralAd> get_literal_ad(MessageReader& in) {
  LiteralAd ad;
  const std::size_t count = TRY(in.count(LiteralAd::kMaxAttributes));
  for (std::size_t i = 0; i < count; ++i) {
    std::string line = TRY(in.string());
    if (line == kSecretFollows) line = TRY(in.string());
    const std::size_t equals = line.find('=');
    const std::string_view name = trimmed(std::string_view(line).substr(0, equals));
    if (equals == std::string::npos || !is_name(name)) return bad("a line that is no attribute");
    auto value = parse_literal(trimmed(std::string_view(line).substr(equals + 1)));
    if (value) ad.values_.insert_or_assign(std::string(name), *std::move(value));
  }
  TRY(in.string());
  TRY(in.string());
  return ad;
}

}  // namespace podpilot::agent::htcondor
