// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/scheduler/htcondor/classad/expression.h"

namespace podpilot::agent::htcondor {
namespace {

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view kFrom = "\a\b\f\n\r\t\v\\";
  static constexpr std::string_view kTo = "abfnrtv\\";
  if (const auto at = kFrom.find(c); at != std::string_view::npos) {
    out += '\\';
    out += kTo[at];
  } else if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') {
    out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  } else {
    out += c;
  }
}

}  // namespace

Value make_list(List elements) {
  return std::make_shared<const List>(std::move(elements));
}

void append_string(std::string& out, std::string_view text, Style style, char quote) {
  out += quote;
  for (const char c : text) {
    if (c == quote)
      out.append(1, '\\').append(1, c);
    else if (style == Style::new_ad)
      append_escaped(out, c);
    else
      out += c;
  }
  out += quote;
}

void append_real(std::string& out, double value, Style style) {
  if (value == 0.0) {
    out += std::signbit(value) ? "-0.0" : "0.0";
  } else if (std::isnan(value)) {
    out += "real(\"NaN\")";
  } else if (std::isinf(value)) {
    out += value < 0 ? "real(\"-INF\")" : "real(\"INF\")";
  } else if (style == Style::new_ad) {
    out += fmt::format("{:.15E}", value);
  } else {
    std::string text = fmt::format("{:.16G}", value);
    if (text.find_first_of(".E") == std::string::npos) text += ".0";
    out += text;
  }
}

void append_value(std::string& out, const Value& value, Style style) {
  if (value.is<Undefined>()) {
    out += "undefined";
  } else if (value.is<Failed>()) {
    out += "error";
  } else if (const bool* boolean = value.get<bool>()) {
    out += *boolean ? "true" : "false";
  } else if (const std::int64_t* integer = value.get<std::int64_t>()) {
    out += std::to_string(*integer);
  } else if (const double* real = value.get<double>()) {
    append_real(out, *real, style);
  } else if (const std::string* text = value.get<std::string>()) {
    append_string(out, *text, style);
  } else if (const List* list = value.list()) {
    out += "{ ";
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      append_value(out, (*list)[i], style);
    }
    out += " }";
  } else if (const Scope* ad = value.get<Scope>(); ad->nested) {
    append_expression(out, *ad->nested->record, style);
  } else {
    out += "[  ]";  // an ad as a whole has no text inside itself
  }
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int compare_names(std::string_view a, std::string_view b) {
  const std::size_t shared = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < shared; ++i) {
    const int left = static_cast<unsigned char>(lower(a[i]));
    const int right = static_cast<unsigned char>(lower(b[i]));
    if (left != right) return left < right ? -1 : 1;
  }
  return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && compare_names(a, b) == 0;
}

}  // namespace podpilot::agent::htcondor
