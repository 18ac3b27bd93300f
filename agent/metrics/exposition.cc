// SPDX-License-Identifier: Apache-2.0
#include "agent/metrics/exposition.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace podpilot::agent {
namespace {

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string_view to_string(Exposition::Type type) {
  switch (type) {
    case Exposition::Type::counter:
      return "counter";
    case Exposition::Type::gauge:
      return "gauge";
    case Exposition::Type::histogram:
      return "histogram";
  }
  std::unreachable();
}

}  // namespace

void Histogram::observe(std::chrono::duration<double> value) {
  const auto bound = std::ranges::lower_bound(kBounds, value.count());
  ++counts_.at(static_cast<std::size_t>(bound - kBounds.begin()));
  sum_ += value.count();
}

std::uint64_t Histogram::at_most(std::size_t i) const {
  std::uint64_t count = 0;
  for (std::size_t j = 0; j <= i; ++j) count += counts_.at(j);
  return count;
}

Exposition& Exposition::family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", name, help,
                 to_string(type));
  return *this;
}

Exposition& Exposition::sample(double value, std::initializer_list<Label> labels) {
  line("", labels, "", value);
  return *this;
}

Exposition& Exposition::sample(const Histogram& histogram, std::initializer_list<Label> labels) {
  const std::size_t bounds = Histogram::kBounds.size();
  for (std::size_t i = 0; i < bounds; ++i)
    line("_bucket", labels, fmt::format("{}", Histogram::kBounds.at(i)),
         static_cast<double>(histogram.at_most(i)));
  const auto all = static_cast<double>(histogram.at_most(bounds));
  line("_bucket", labels, "+Inf", all);
  line("_sum", labels, "", histogram.sum());
  line("_count", labels, "", all);
  return *this;
}

void Exposition::line(std::string_view suffix, std::initializer_list<Label> labels,
                      std::string_view bound, double value) {
  std::string inside;
  for (const auto& [name, text] : labels)
    inside += fmt::format("{}{}=\"{}\"", inside.empty() ? "" : ",", name, escaped(text));
  if (!bound.empty()) inside += fmt::format("{}le=\"{}\"", inside.empty() ? "" : ",", bound);
  text_ += name_;
  text_ += suffix;
  if (!inside.empty()) text_ += '{' + inside + '}';
  fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

}  // namespace podpilot::agent
