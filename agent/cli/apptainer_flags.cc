// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/apptainer_flags.h"

#include <fmt/format.h>

#include <array>

#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

struct Row {
  ApptainerFlag flag;
  std::string_view name;
  char letter;
  std::string_view value;  // name of its value in --help; "" for a switch
  std::string_view help;
};

using enum ApptainerFlag;
constexpr auto kFlags = std::to_array<Row>({
    {help, "help", 'h', "", "this text"},
    {version, "version", 0, "", "podpilot's version"},
    {quiet, "quiet", 'q', "", "no progress"},
    {quiet, "silent", 's', "", "the same"},
    {verbose, "verbose", 'v', "", "tell what is done"},
    {debug, "debug", 'd', "", "tell more"},
    {bind, "bind", 'B', "SOURCE[:TARGET[:ro|rw]]", "show a folder or file inside; repeatable"},
    {home, "home", 'H', "SOURCE[:TARGET]", "show a folder inside; HOME is where it is"},
    {workdir, "workdir", 'W', "FOLDER", "holds the folders of --scratch"},
    {scratch, "scratch", 'S', "TARGET", "show an empty folder of --workdir inside; repeatable"},
    {pwd, "pwd", 0, "FOLDER", "working folder inside"},
    {pwd, "cwd", 0, "FOLDER", "the same"},
    {env, "env", 0, "NAME=VALUE", "set a variable inside; repeatable"},
    {clean_env, "cleanenv", 'e', "", "only variables of APPTAINERENV_ and SINGULARITYENV_"},
    {clean_env, "containall", 'C', "", "the same; all else that it says is so in any case"},
    {contained, "contain", 'c', "", "is so in any case, as the next"},
    {contained, "ipc", 'i', "", ""},
    {contained, "pid", 'p', "", ""},
    {contained, "userns", 'u', "", ""},
    {contained, "no-home", 0, "", ""},
    {contained, "writable-tmpfs", 0, "", ""},
    {fake_root, "fakeroot", 'f', "", "root inside; changes of owner seem to succeed"},
    {nvidia, "nv", 0, "", "fails where there is such a GPU: no payload gets one"},
    {amd, "rocm", 0, "", "the same"},
    {option, "cache", 0, "FOLDER", "of podpilot run, as the next"},
    {option, "registry-config", 0, "FILE", ""},
});

const Row* find(std::string_view name) {
  for (const Row& row : kFlags)
    if (row.name == name) return &row;
  return nullptr;
}

const Row* find(char letter) {
  for (const Row& row : kFlags)
    if (row.letter == letter && letter != 0) return &row;
  return nullptr;
}

Error unknown(std::string_view word) {
  return {Fault::invalid, fmt::format("unknown flag {}; see --help", printable(word))};
}

class Words {
 public:
  explicit Words(std::span<const std::string> words) : words_(words) {}

  bool more() const { return at_ < words_.size(); }
  bool at_flag() const { return more() && words_[at_].size() > 1 && words_[at_][0] == '-'; }
  bool at_mark() const { return more() && words_[at_] == "--"; }
  const std::string& next() { return words_[at_++]; }
  std::vector<std::string> rest() const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end()};
  }

 private:
  std::span<const std::string> words_;
  std::size_t at_ = 0;
};

Result<std::string> value_of(const std::string& name, Words& words) {
  if (words.more()) return words.next();
  return Error{Fault::invalid, fmt::format("{} lacks its value", name)};
}

// "--name", "--name=value", "--name value".
Result<void> take_long(const std::string& word, Words& words, std::vector<GivenFlag>& out) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const Row* row = find(name.substr(2));
  if (!row || (row->value.empty() && equals != std::string::npos)) return unknown(word);
  GivenFlag given{row->flag, name, ""};
  if (equals != std::string::npos)
    given.value = word.substr(equals + 1);
  else if (!row->value.empty())
    given.value = TRY(value_of(name, words));
  out.push_back(std::move(given));
  return {};
}

// "-B value", "-Bvalue", "-B=value", and switches at once: "-ce".
Result<void> take_short(const std::string& word, Words& words, std::vector<GivenFlag>& out) {
  for (std::size_t i = 1; i < word.size(); ++i) {
    const Row* row = find(word[i]);
    if (!row) return unknown(word);
    GivenFlag given{row->flag, fmt::format("-{}", word[i]), ""};
    const bool last = i + 1 == word.size();
    if (!row->value.empty() && last)
      given.value = TRY(value_of(given.name, words));
    else if (!row->value.empty())
      given.value = word.substr(word[i + 1] == '=' ? i + 2 : i + 1);
    const bool done = !row->value.empty();
    out.push_back(std::move(given));
    if (done) break;
  }
  return {};
}

Result<void> take_flags(Words& words, std::vector<GivenFlag>& out) {
  while (words.at_flag() && !words.at_mark()) {
    const std::string& word = words.next();
    TRY(word[1] == '-' ? take_long(word, words, out) : take_short(word, words, out));
  }
  return {};
}

}  // namespace

Result<ApptainerLine> parse_apptainer_line(std::span<const std::string> words) {
  ApptainerLine line;
  Words left(words);
  TRY(take_flags(left, line.flags));
  if (left.more()) line.verb = left.next();
  TRY(take_flags(left, line.flags));
  if (left.at_mark()) left.next();
  line.arguments = left.rest();
  return line;
}

std::string apptainer_flags_help() {
  std::string out;
  for (const Row& row : kFlags) {
    const std::string letter = row.letter ? fmt::format("-{}, ", row.letter) : "    ";
    const std::string head = fmt::format("  {}--{} {}", letter, row.name, row.value);
    out += row.help.empty() ? head : fmt::format("{:<42}{}", head, row.help);
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

}  // namespace podpilot::agent
