// SPDX-License-Identifier: Apache-2.0
#include "agent/scheduler/htcondor/slot/docker_login.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "agent/scheduler/htcondor/classad/expression.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

constexpr std::pair<std::uint64_t, std::uint64_t> kFirstToSend{24, 7};
constexpr std::size_t kMaxLogin = 64 << 10;
// \u00NN
constexpr std::size_t kLongestEscape = 6;

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

// "key": of an object's next member.
void append_key(std::string& out, std::string_view key) {
  if (!out.ends_with('{')) out += ',';
  append_json(out, key);
  out += ':';
}

void append_entry(std::string& out, const Node& entry) {
  out += '{';
  for (std::size_t i = 0; i < entry.children.size(); ++i) {
    const std::string* text = entry.children[i]->literal.get<std::string>();
    if (!text) continue;
    append_key(out, entry.names[i]);
    append_json(out, *text);
  }
  out += '}';
}

}  // namespace

bool sends_docker_login(const Ad& job) {
  if (!job.boolean("DockerSendCredentials").value_or(false)) return false;
  // "$CondorVersion: 25.14.1 2026-10-16 ... $"
  const std::string version = job.string("ShadowVersion").value_or("");
  const std::vector<std::string_view> words = split(version, ' ');
  if (words.size() < 2) return false;
  const std::vector<std::string_view> numbers = split(words[1], '.');
  if (numbers.size() < 2) return false;
  const auto major = parse_number(numbers[0]);
  const auto minor = parse_number(numbers[1]);
  return major && minor && std::pair(*major, *minor) >= kFirstToSend;
}

Result<oci::Secret> docker_config(const Ad& login) {
  std::string text = login.expression("auths").value_or("");
  if (text.size() > kMaxLogin) return Error{Fault::invalid, "auths: too large"};
  Result<Expression> parsed = parse_expression(text);
  std::string out;
  out.reserve(kLongestEscape * text.size() + kMaxLogin);  // no part of it is left by growing
  explicit_bzero(text.data(), text.size());
  if (!parsed || (*parsed)->kind != Node::Kind::record)
    return Error{Fault::invalid, "auths: is not what docker has there"};
  const Node& auths = **parsed;
  out = R"({"auths":{)";
  for (std::size_t i = 0; i < auths.children.size(); ++i) {
    if (auths.children[i]->kind != Node::Kind::record) continue;
    append_key(out, auths.names[i]);
    append_entry(out, *auths.children[i]);
  }
  out += "}}";
  return oci::Secret(std::move(out));
}

}  // namespace podpilot::agent::htcondor
