// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/proc_stat.h"

#include "sandbox/base/text.h"

namespace podpilot {

std::optional<std::uint64_t> stat_field(std::string_view stat, unsigned n) {
  constexpr unsigned kFirst = 3;
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos || n < kFirst) return std::nullopt;
  const std::vector<std::string_view> fields = split(stat.substr(name_end + 2), ' ');
  return fields.size() > n - kFirst ? parse_number(fields[n - kFirst]) : std::nullopt;
}

std::vector<pid_t> descendants(const std::map<pid_t, pid_t>& parents, pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const auto& [child, parent] : parents) children.emplace(parent, child);
  std::vector<pid_t> found;
  std::vector<pid_t> open = {root};
  while (!open.empty()) {
    const auto [begin, end] = children.equal_range(open.back());
    open.pop_back();
    for (auto child = begin; child != end; ++child) {
      found.push_back(child->second);
      open.push_back(child->second);
    }
    children.erase(begin, end);
  }
  return found;
}

}  // namespace podpilot
