// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/classad/regexp.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "agent/scheduler/htcondor/classad/evaluation.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::uint32_t kMatchLimit = 100'000;  // backtracks of one search
constexpr std::uint32_t kHeapLimit = 4 << 10;   // KiB
constexpr std::size_t kMaxPattern = 4 << 10;

PCRE2_SPTR bytes(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

}  // namespace

struct Regexp::Code {
  pcre2_code* code = nullptr;
  pcre2_match_context* limits = nullptr;
  pcre2_match_data* match = nullptr;

  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() {
    pcre2_match_data_free(match);
    pcre2_match_context_free(limits);
    pcre2_code_free(code);
  }
  // As pcre2_match(): negative if there is no match.
  int search(std::string_view text, std::size_t from, std::uint32_t options) const {
    return pcre2_match(code, bytes(text), text.size(), from, options, match, limits);
  }
};

Regexp::Regexp(std::string_view pattern, std::string_view options) {
  if (pattern.size() > kMaxPattern) return;
  std::uint32_t flags = 0;
  for (const char option : options) {
    if (option == 'i' || option == 'I') flags |= PCRE2_CASELESS;
    if (option == 'm' || option == 'M') flags |= PCRE2_MULTILINE;
    if (option == 's' || option == 'S') flags |= PCRE2_DOTALL;
    if (option == 'x' || option == 'X') flags |= PCRE2_EXTENDED;
  }
  auto made = std::make_unique<Code>();
  int problem = 0;
  std::size_t where = 0;
  made->code = pcre2_compile(bytes(pattern), pattern.size(), flags, &problem, &where, nullptr);
  if (!made->code) return;
  made->limits = pcre2_match_context_create(nullptr);
  made->match = pcre2_match_data_create_from_pattern(made->code, nullptr);
  if (!made->limits || !made->match) return;
  pcre2_set_match_limit(made->limits, kMatchLimit);
  pcre2_set_heap_limit(made->limits, kHeapLimit);
  code_ = std::move(made);
}

Regexp::~Regexp() = default;

Regexp::Answer Regexp::search(std::string_view text, Evaluation& evaluation) const {
  if (!evaluation.afford(kMatchLimit + text.size())) return Answer::failed;
  const int status = code_->search(text, 0, 0);
  if (status >= 0) return Answer::found;
  return status == PCRE2_ERROR_NOMATCH ? Answer::not_found : Answer::failed;
}

Regexp::Answer Regexp::replace(std::string_view text, std::string_view by, bool whole, bool all,
                               Evaluation& evaluation, std::string& result) const {
  std::size_t at = 0;
  bool found = false;
  do {
    if (!evaluation.afford(kMatchLimit + text.size() + result.size())) return Answer::failed;
    const int groups = code_->search(text, at, 0);
    if (groups == PCRE2_ERROR_NOMATCH) break;
    if (groups < 0) return Answer::failed;
    found = true;
    const std::size_t* ends = pcre2_get_ovector_pointer(code_->match);
    // A match of nothing would be found again and again; one that ends before it starts is \K's.
    if ((all && ends[1] == at) || ends[1] < ends[0] || ends[0] < at) return Answer::failed;
    if (whole) result += text.substr(at, ends[0] - at);
    for (std::size_t i = 0; i < by.size(); ++i) {
      if (by[i] != '\\' || i + 1 == by.size() || by[i + 1] < '0' || by[i + 1] > '9') {
        result += by[i];
        continue;
      }
      const int group = by[++i] - '0';
      if (group >= groups) return Answer::failed;
      const std::size_t start = ends[2 * group], end = ends[2 * group + 1];
      if (start == PCRE2_UNSET) continue;
      if (!evaluation.afford(end - start)) return Answer::failed;
      result += text.substr(start, end - start);
    }
    at = ends[1];
  } while (all);
  if (whole) result += text.substr(at);
  return found ? Answer::found : Answer::not_found;
}

}  // namespace podpilot::agent::htcondor
