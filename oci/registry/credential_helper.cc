// SPDX-License-Identifier: Apache-2.0
#include "oci/registry/credential_helper.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "sandbox/base/environment.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/json.h"
#include "sandbox/base/process.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {
namespace {

constexpr std::size_t kMaxAnswerBytes = 1 << 20;
// What docker's own helpers say, all of them in these words, of a registry they know nothing of.
constexpr std::string_view kUnknown = "credentials not found";
constexpr std::string_view kHubServer = "https://index.docker.io/v1/";

Result<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string_view folders = path ? path : "";
  while (!folders.empty()) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    std::string file = fmt::format("{}/{}", folders.substr(0, end), name);
    if (end > 0 && ::access(file.c_str(), X_OK) == 0) return file;
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return Error{Fault::invalid, "is in no folder of PATH"};
}

// Of those for Amazon, Azure and Google (gcloud is one of them).
constexpr std::array kHelpersPrefixes = {"AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_"};

bool is_for_helpers(std::string_view variable) {
  return std::ranges::any_of(kHelpersPrefixes,
                             [&](const char* prefix) { return variable.starts_with(prefix); });
}

struct Answer {
  std::string text;  // may hold a secret
  ExitStatus status;
};

Result<Answer> run(const std::string& program, const std::string& name, std::string_view question,
                   Deadline deadline) {
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return sys_error("pipe");
  const UniqueFd child_in(in[0]);
  UniqueFd write_end(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return sys_error("pipe");
  const UniqueFd read_end(out[0]);
  UniqueFd child_out(out[1]);
  ChildProcess child = TRY(spawn({.program = program,
                                  .argv = {name, "get"},
                                  .environment = environment(),
                                  .descriptors = {child_in, child_out}}));
  child_out.reset();
  // Less than a pipe holds: this never waits.
  TRY(write_all(write_end, question));
  write_end.reset();
  Answer answer;
  char buffer[4096];
  for (;;) {
    pollfd wait{read_end.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, deadline.poll_timeout());
    if (ready < 0 && errno != EINTR) return sys_error("poll");
    if (ready == 0) return Error{Fault::transient, "gives no answer"};
    if (ready < 0) continue;
    const std::size_t n = TRY(read_some(read_end, buffer, sizeof buffer));
    if (n == 0) break;
    if (answer.text.size() + n > kMaxAnswerBytes) return Error{Fault::invalid, "says too much"};
    answer.text.append(buffer, n);
  }
  explicit_bzero(buffer, sizeof buffer);
  const std::optional<ExitStatus> status = TRY(child.wait(deadline));
  if (!status) return Error{Fault::transient, "does not end"};
  answer.status = *status;
  return answer;
}

Result<Credentials> parse_answer(const std::string& text) {
  // An error of the parser may quote what it stumbled over.
  const Result<Json> json = parse_json(text);
  if (!json || !json->is_object()) return Error{Fault::invalid, "does not answer with JSON"};
  JsonObject object = TRY(JsonObject::of(*json, "answer"));
  Credentials out;
  out.username = TRY(object.required_string("Username"));
  std::string value = TRY(object.required_string("Secret"));
  Secret secret(std::move(value));
  (out.username == "<token>" ? out.identity_token : out.password) = std::move(secret);
  return out;
}

}  // namespace

std::vector<std::string> helpers_environment() {
  std::vector<std::string> out = environment();
  std::erase_if(out, [](const std::string& entry) { return !is_for_helpers(entry); });
  return out;
}

void forget_helpers_environment() {
  wipe_environment(is_for_helpers);
}

Result<void> ask_helper(CredentialLookup& lookup, std::string_view domain, Deadline deadline) {
  if (lookup.helper.empty()) return {};
  const std::string name = "docker-credential-" + std::exchange(lookup.helper, "");
  const std::string program = TRY(find_program(name).within(name));
  const std::string_view server = domain == "docker.io" ? kHubServer : domain;
  Answer answer = TRY(run(program, name, fmt::format("{}\n", server), deadline).within(name));
  if (answer.status.shell_code() == 0) {
    Result<Credentials> found = parse_answer(answer.text).within(name);
    explicit_bzero(answer.text.data(), answer.text.size());
    if (!found) return std::move(found).error();
    if (!found->empty()) lookup.credentials = *std::move(found);
    return {};
  }
  if (answer.text.find(kUnknown) != std::string::npos) return {};
  // Of a failure it is the reason, and stdout is where helpers say it.
  return Error{Fault::denied,
               fmt::format("{} fails for {}: {}", name, server,
                           printable(answer.text.substr(0, answer.text.find('\n'))))};
}

}  // namespace podpilot::oci
