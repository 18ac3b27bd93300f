// SPDX-License-Identifier: Apache-2.0
// Perl's regular expressions, with an end: a search that takes too long has failed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace podpilot::agent::htcondor {

class Evaluation;

class Regexp {
 public:
  enum class Answer { found, not_found, failed };

  // Of `options` i, m, s and x are as in Perl; others are left out.
  Regexp(std::string_view pattern, std::string_view options);
  ~Regexp();
  Regexp(const Regexp&) = delete;
  Regexp& operator=(const Regexp&) = delete;

  bool valid() const { return code_ != nullptr; }
  Answer search(std::string_view text, Evaluation& evaluation) const;

  // What the first match is replaced with: \0 to \9 in `by` are what it and its groups matched.
  // With `whole` the text around it is part of the result, with `all` every match is replaced.
  Answer replace(std::string_view text, std::string_view by, bool whole, bool all,
                 Evaluation& evaluation, std::string& result) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace podpilot::agent::htcondor
