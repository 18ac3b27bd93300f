// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/text.h"

#include <fmt/format.h>

#include "agent/scheduler/htcondor/classad/value.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

using Setter = Result<void> (Ad::*)(std::string_view, std::string_view);

Result<void> set_line(Ad& ad, std::string_view line, Setter set) {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos)
    return Error{Fault::invalid, "not of the form Name = expression"};
  if (ad.size() >= kMaxAttributes)
    return Error{Fault::invalid, fmt::format("more than {} attributes", kMaxAttributes)};
  return (ad.*set)(trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1)));
}

Result<Ad> parse(std::string_view text, Setter set) {
  Ad ad;
  unsigned number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const std::string_view content = trimmed(line);
    if (content.empty() || content[0] == '#') continue;
    TRY(set_line(ad, content, set).within(fmt::format("line {}", number)));
  }
  return ad;
}

}  // namespace

bool is_secret(std::string_view name) {
  for (const std::string_view secret : {"Capability", "ChildClaimIds", "ClaimId", "ClaimIdList",
                                        "ClaimIds", "PairedClaimId", "TransferKey"})
    if (same_name(name, secret)) return true;
  static constexpr std::string_view kPrefix = "_condor_priv";
  return same_name(name.substr(0, kPrefix.size()), kPrefix);
}

Result<void> add_line(Ad& ad, std::string_view line) {
  return set_line(ad, line, &Ad::set_expression);
}

std::string line_of(std::string_view name, std::string_view expression) {
  return fmt::format("{} = {}", name, expression);
}

std::string format_ad(const Ad& ad) {
  std::string text;
  ad.for_each([&](const std::string& name, const std::string& expression) {
    if (!is_secret(name)) text += line_of(name, expression) + "\n";
  });
  return text;
}

Result<Ad> parse_ad(std::string_view text) {
  return parse(text, &Ad::set_expression);
}

Result<Ad> parse_checked_ad(std::string_view text) {
  return parse(text, &Ad::set_checked_expression);
}

}  // namespace podpilot::agent::htcondor
