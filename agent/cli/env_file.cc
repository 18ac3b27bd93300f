// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/env_file.h"

#include <fmt/format.h>

#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr std::string_view kBlank = " \t\v\f\r";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

Error invalid(std::size_t line, std::string_view problem) {
  return {Fault::invalid, fmt::format("line {}: {}", line, problem)};
}

}  // namespace

Result<std::vector<std::string>> parse_env_file(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> out;
  std::size_t number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
    if (line.empty() || line[0] == '#') continue;
    const std::string_view name = line.substr(0, line.find('='));
    if (name.empty()) return invalid(number, "no name before \"=\"");
    if (name.find_first_of(kBlank) != std::string_view::npos)
      return invalid(number, fmt::format("the name \"{}\" holds a blank", printable(name)));
    if (line.find('\0') != std::string_view::npos) return invalid(number, "holds a NUL byte");
    out.emplace_back(line);
  }
  return out;
}

}  // namespace podpilot::agent
