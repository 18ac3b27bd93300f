// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/job_words.h"

#include <fmt/format.h>

#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

Result<void> add_variable(Environment& environment, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos)
    return Error{Fault::invalid, fmt::format("not of the form NAME=VALUE: {}", printable(text))};
  environment[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  return {};
}

}  // namespace

Result<std::vector<std::string>> split_arguments(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool begun = false, quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\'' && quoted && i + 1 < text.size() && text[i + 1] == '\'') {
      word += text[++i];
    } else if (c == '\'') {
      quoted = !quoted;
      begun = true;
    } else if (is_blank(c) && !quoted) {
      if (begun) words.push_back(std::move(word));
      word.clear();
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (quoted) return Error{Fault::invalid, "a single quote without its end"};
  if (begun) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> split_old_arguments(std::string_view text) {
  std::vector<std::string> words;
  bool begun = false;
  for (const char c : text) {
    if (is_blank(c)) {
      begun = false;
    } else {
      if (!begun) words.emplace_back();
      words.back() += c;
      begun = true;
    }
  }
  return words;
}

Result<Environment> split_environment(std::string_view text) {
  Environment environment;
  const std::vector<std::string> words = TRY(split_arguments(text));
  for (const std::string& word : words) TRY(add_variable(environment, word));
  return environment;
}

Result<Environment> split_old_environment(std::string_view text, char delimiter) {
  Environment environment;
  for (const std::string_view part : split(text, delimiter))
    if (!part.empty()) TRY(add_variable(environment, part));
  return environment;
}

}  // namespace podpilot::agent::htcondor
