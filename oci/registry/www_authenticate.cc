// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/www_authenticate.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace podpilot::oci {
namespace {

constexpr std::size_t kMaxBytes = 16 << 10;
constexpr std::size_t kMaxChallenges = 16;
constexpr std::size_t kMaxParameters = 32;

Error bad(std::string_view why) {
  return {Fault::invalid, "WWW-Authenticate header: " + std::string(why)};
}

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_token_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}
bool is_token68_char(char c) {
  return is_alnum(c) || std::string_view("-._~+/").contains(c);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// Reads from the front; what does not match is left where it is.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  std::string_view mark() const { return rest_; }
  void back_to(std::string_view mark) { rest_ = mark; }

  bool spaces() {
    const std::size_t n = std::min(rest_.find_first_not_of(" \t"), rest_.size());
    rest_.remove_prefix(n);
    return n > 0;
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string_view token() { return take_while(is_token_char); }
  void token68() {
    take_while(is_token68_char);
    while (take('=')) continue;
  }
  // Nothing if it does not end.
  std::optional<std::string> quoted() {
    std::string out;
    if (!take('"')) return std::nullopt;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) return std::nullopt;
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!take('"')) return std::nullopt;
    return out;
  }
  // Empty list elements are allowed (RFC 9110 section 5.6.1.2).
  bool commas() {
    bool any = false;
    for (spaces(); take(','); spaces()) any = true;
    return any;
  }

 private:
  template <typename Predicate>
  std::string_view take_while(Predicate fits) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), fits);
    const std::string_view out = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(out.size());
    return out;
  }
  std::string_view rest_;
};

// name BWS "=" BWS ( token / quoted-string ). Nothing, and nothing read, if it is no parameter.
Result<std::optional<std::pair<std::string, std::string>>> read_parameter(Reader& in) {
  const std::string_view start = in.mark();
  const std::string name = lower(in.token());
  in.spaces();
  const bool equals = !name.empty() && in.take('=');
  in.spaces();
  if (equals && in.mark().starts_with('"')) {
    auto value = in.quoted();
    if (!value) return bad("a quoted string does not end");
    return std::optional(std::pair(name, *std::move(value)));
  }
  const std::string_view value = equals ? in.token() : std::string_view();
  if (!value.empty()) return std::optional(std::pair(name, std::string(value)));
  in.back_to(start);
  return std::optional<std::pair<std::string, std::string>>();
}

Result<void> read_parameters(Reader& in, Challenge& out) {
  for (bool first = true;; first = false) {
    const std::string_view start = in.mark();
    if (!first && !in.commas()) return {};
    auto parameter = TRY(read_parameter(in));
    if (!parameter) {
      // The next challenge's scheme, or the end.
      if (!first) in.back_to(start);
      return {};
    }
    if (out.parameters.size() == kMaxParameters) return bad("too many parameters");
    if (!out.parameters.insert(*std::move(parameter)).second)
      return bad("a parameter stands twice");
  }
}

Result<Challenge> read_challenge(Reader& in) {
  Challenge out;
  out.scheme = lower(in.token());
  if (out.scheme.empty()) return bad("an authentication scheme was expected");
  if (!in.spaces()) return out;
  const std::string_view start = in.mark();
  TRY(read_parameters(in, out));
  if (in.mark().size() == start.size()) in.token68();
  return out;
}

}  // namespace

std::string Challenge::parameter(const std::string& name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? "" : found->second;
}

Result<std::vector<Challenge>> parse_www_authenticate(std::string_view value) {
  if (value.size() > kMaxBytes) return bad("too long");
  std::vector<Challenge> out;
  Reader in(value);
  in.commas();
  while (!in.at_end()) {
    if (out.size() == kMaxChallenges) return bad("too many challenges");
    Challenge challenge = TRY(read_challenge(in));
    out.push_back(std::move(challenge));
    in.spaces();
    if (!in.at_end() && !in.commas()) return bad("a comma was expected");
  }
  return out;
}

}  // namespace podpilot::oci
