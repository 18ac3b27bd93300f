// SPDX-License-Identifier: Apache-2.0
// Prometheus' text format, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace podpilot::agent {

// Of seconds, from a warm start to a day.
class Histogram {
 public:
  static constexpr auto kBounds = std::to_array<double>(
      {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600, 14400, 86400});

  void observe(std::chrono::duration<double> value);

  // How many were at most kBounds[i], or any at all with i == kBounds.size().
  std::uint64_t at_most(std::size_t i) const;
  double sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

using Label = std::pair<std::string_view, std::string_view>;

class Exposition {
 public:
  enum class Type { counter, gauge, histogram };

  // Samples of one family follow it. Names keep to [a-z_], as the caller's constants do.
  Exposition& family(std::string_view name, Type type, std::string_view help);
  Exposition& sample(double value, std::initializer_list<Label> labels = {});
  Exposition& sample(const Histogram& histogram, std::initializer_list<Label> labels = {});

  const std::string& text() const { return text_; }

 private:
  void line(std::string_view suffix, std::initializer_list<Label> labels, std::string_view bound,
            double value);

  std::string text_;
  std::string name_;
};

}  // namespace podpilot::agent
