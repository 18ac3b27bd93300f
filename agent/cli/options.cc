// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
// Arguments may hold commas: they are never split.
#define CXXOPTS_VECTOR_DELIMITER '\0'
// std::regex costs a millisecond at each start, and 200 KB.
#define CXXOPTS_NO_REGEX true
#include <cxxopts.hpp>

#include "agent/cli/foreign_names.h"
#include "agent/cli/option_table.h"
#include "agent/cli/wrap.h"
#include "agent/scheduler/htcondor/slot/job_words.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

std::string variable_of(const OptionRow& row) {
  std::string name = "PODPILOT_";
  for (const char c : row.name) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

std::optional<bool> truth_of(std::string_view text) {
  std::string word(text);
  std::ranges::transform(word, word.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* yes : {"true", "yes", "on", "1"})
    if (word == yes) return true;
  for (const char* no : {"false", "no", "off", "0"})
    if (word == no) return false;
  return std::nullopt;
}

Result<std::vector<std::string>> read_foreign(const ForeignName& name, std::string_view set) {
  const auto bad = [&](std::string_view what) {
    return Error{Fault::invalid,
                 fmt::format("{} \"{}\": must be {}", name.variable, printable(set), what)};
  };
  std::vector<std::string> values;
  switch (name.form) {
    case ForeignForm::text:
      return std::vector{fmt::format("{}{}", name.affix, set)};
    case ForeignForm::number:
      if (!parse_number(set)) return bad(fmt::format("a whole number (of {})", name.affix));
      return std::vector{fmt::format("{}{}", set, name.affix)};
    case ForeignForm::truth: {
      const std::optional<bool> truth = truth_of(set);
      if (!truth) return bad("true or false");
      if (*truth) values.emplace_back();
      return values;
    }
    case ForeignForm::list:
      for (const std::string_view value : split(set, ',')) values.emplace_back(value);
      return values;
    case ForeignForm::words:
      break;
  }
  return htcondor::split_arguments(set).within(name.variable);
}

// What another pilot's variable says of this option, and nothing where none says anything; the
// pilot's own options only.
Result<std::vector<std::string>> foreign_values(unsigned command, const OptionRow& row) {
  if (command != kPilot) return std::vector<std::string>();
  for (const ForeignName& name : kForeignNames) {
    if (name.option != row.name) continue;
    const char* set = std::getenv(std::string(name.variable).c_str());
    if (set && *set) return read_foreign(name, set);
  }
  return std::vector<std::string>();
}

const OptionRow* find_row(unsigned command, std::string_view word) {
  for (const OptionRow& row : kOptions) {
    if (!(row.commands & command)) continue;
    const bool by_letter = word.size() == 2 && word[0] == '-' && word[1] == row.letter;
    if (by_letter || (word.starts_with("--") && word.substr(2) == row.name)) return &row;
  }
  return nullptr;
}

// How many words belong to the options: up to the first argument or "--".
std::size_t option_words(unsigned command, std::span<char* const> words) {
  std::size_t i = 0;
  while (i < words.size()) {
    const std::string_view word = words[i];
    if (word == "--" || word.size() < 2 || word[0] != '-') break;
    const OptionRow* row = find_row(command, word);
    i += row && !row->value.empty() ? 2 : 1;  // "--name value"; "--name=value" is one word
  }
  return std::min(i, words.size());
}

// cxxopts throws; this is the seam. Its texts quote with typographic marks, ours do not.
Error as_error(const std::exception& thrown) {
  std::string text = thrown.what();
  for (const std::string_view mark : {"\u2018", "\u2019"})
    for (std::size_t at; (at = text.find(mark)) != std::string::npos;)
      text.replace(at, mark.size(), "\"");
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(text[0]));
  return {Fault::invalid, text + "; see --help"};
}

std::string option_line(const OptionRow& row) {
  constexpr std::size_t kIndent = 30;
  std::string head = row.letter ? fmt::format("  -{}, --{}", row.letter, row.name)
                                : fmt::format("      --{}", row.name);
  if (!row.value.empty()) head += fmt::format(" {}", row.value);
  std::string help(row.help);
  if (!row.fallback.empty()) help += fmt::format(" (default: {})", row.fallback);
  const std::string gap = head.size() + 2 > kIndent ? "\n" + std::string(kIndent, ' ')
                                                    : std::string(kIndent - head.size(), ' ');
  return head + gap + wrap(help, kIndent) + "\n";
}

}  // namespace

Result<Options> Options::parse(const CommandText& command, std::span<char* const> words) {
  const std::size_t ours =
      command.ends_at_argument ? option_words(command.command, words) : words.size();
  cxxopts::Options parser(std::string("podpilot ") + std::string(command.name));
  for (const OptionRow& row : kOptions) {
    if (!(row.commands & command.command)) continue;
    const std::string names =
        row.letter ? fmt::format("{},{}", row.letter, row.name) : std::string(row.name);
    if (row.value.empty())
      parser.add_options()(names, "", cxxopts::value<bool>());
    else
      parser.add_options()(names, "", cxxopts::value<std::vector<std::string>>());
  }
  std::string program = "podpilot";
  std::vector<char*> argv = {program.data()};
  argv.insert(argv.end(), words.begin(), words.begin() + static_cast<std::ptrdiff_t>(ours));

  Options out;
  try {
    const cxxopts::ParseResult parsed = parser.parse(static_cast<int>(argv.size()), argv.data());
    for (const OptionRow& row : kOptions) {
      const std::string name(row.name);
      if (!(row.commands & command.command)) continue;
      Result<std::vector<std::string>> foreign = foreign_values(command.command, row);
      if (parsed.count(name) != 0) {
        out.values_[name] = row.value.empty()
                                ? std::vector<std::string>(parsed[name].as<bool>() ? 1 : 0)
                                : parsed[name].as<std::vector<std::string>>();
      } else if (const char* set = std::getenv(variable_of(row).c_str()); set && *set) {
        if (!row.value.empty() || std::string_view(set) != "0") out.values_[name] = {set};
      } else if (!foreign) {
        return foreign.error();
      } else if (!foreign->empty()) {
        out.values_[name] = *std::move(foreign);
      } else if (!row.fallback.empty()) {
        out.values_[name] = {std::string(row.fallback)};
      }
      if (row.value.empty() && out.values_.contains(name) && out.values_[name].empty())
        out.values_.erase(name);
    }
    out.arguments_ = parsed.unmatched();
  } catch (const std::exception& thrown) {
    return as_error(thrown);
  }
  // IMAGE and what is the payload's. One "--" in front of either is a mark, any other a word.
  const auto skip_mark = [&](std::size_t at) {
    return at < words.size() && std::string_view(words[at]) == "--" ? at + 1 : at;
  };
  std::size_t at = skip_mark(ours);
  if (at < words.size()) out.arguments_.emplace_back(words[at++]);
  for (at = skip_mark(at); at < words.size(); ++at) out.arguments_.emplace_back(words[at]);
  return out;
}

bool Options::has(std::string_view name) const {
  return values_.find(name) != values_.end();
}

std::string Options::text(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : found->second.back();
}

std::vector<std::string> Options::texts(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<std::uint64_t> Options::number(std::string_view name) const {
  const auto value = parse_number(text(name));
  if (!value)
    return Error{Fault::invalid,
                 fmt::format("--{} \"{}\": must be a whole number", name, printable(text(name)))};
  return *value;
}

Result<std::uint64_t> Options::bytes(std::string_view name) const {
  const auto value = parse_bytes(text(name));
  if (!value)
    return Error{Fault::invalid, fmt::format("--{} \"{}\": must be a size such as 512MiB or 2GB",
                                             name, printable(text(name)))};
  return *value;
}

Result<std::chrono::milliseconds> Options::duration(std::string_view name) const {
  const auto value = parse_duration(text(name));
  if (!value)
    return Error{Fault::invalid, fmt::format("--{} \"{}\": must be a time such as 30s or 2h", name,
                                             printable(text(name)))};
  return *value;
}

const CommandText* find_command(std::string_view name) {
  for (const CommandText& command : kCommands)
    if (command.name == name) return &command;
  return nullptr;
}

std::span<const CommandText> commands() {
  return kCommands;
}

std::string command_help(const CommandText& command) {
  std::string out =
      fmt::format("Usage: podpilot {} [OPTIONS]{}{}\n\n{}\n\nOptions:\n", command.name,
                  command.arguments.empty() ? "" : " ", command.arguments, command.text);
  for (const OptionRow& row : kOptions)
    if (row.commands & command.command) out += option_line(row);
  out +=
      "\nEach option can also be given as an environment variable: --time-limit as\n"
      "PODPILOT_TIME_LIMIT. A flag counts over the environment.\n";
  if (!command.examples.empty()) out += fmt::format("\nExamples:\n{}", command.examples);
  return out;
}

std::string program_help() {
  std::string out =
      "Usage: podpilot [COMMAND] [OPTIONS] [ARGUMENTS]\n\n"
      "Turns an ordinary, unprivileged pod into an execute node of a batch pool and runs each job "
      "in\nthe job's own container image. Without a command: podpilot pilot.\n\nCommands:\n";
  for (const CommandText& command : kCommands)
    out += fmt::format("  {:<10} {}\n", command.name, command.summary);
  out +=
      "\n'podpilot COMMAND --help' tells the options of a command.\n"
      "Called as apptainer or singularity it takes their command line; see apptainer --help.\n";
  return out;
}

}  // namespace podpilot::agent
