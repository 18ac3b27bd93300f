// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "agent/scheduler/htcondor/security/token.h"
#include "sandbox/base/environment.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent::htcondor {
namespace {

// What HTCondor's LOCAL_CONFIG_DIR_EXCLUDE_REGEXP passes over by default.
bool passed_over(std::string_view name) {
  return name.starts_with('.') || name.starts_with('#') || name.ends_with('~') ||
         name.ends_with(".rpmsave") || name.ends_with(".rpmnew");
}

// One a line. A line that is no token is left out, as HTCondor does: `fault` keeps why.
void parse_lines(const Secret& text, std::vector<IdToken>& out, std::string& fault) {
  for (std::string_view line : split(text.reveal(), '\n')) {
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line.starts_with('#')) continue;
    auto token = parse_id_token(line);
    if (token)
      out.push_back(*std::move(token));
    else
      fault = std::move(token).error().text;
  }
}

Result<std::vector<std::string>> files_of(const std::string& path) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return sys_error("token " + path);
  if (!S_ISDIR(st.st_mode)) return std::vector{path};
  const DirFd folder = TRY(open_dir(path));
  std::vector<std::string> names = TRY(list_names(folder, kMaxTokenFiles));
  std::sort(names.begin(), names.end());
  std::vector<std::string> files;
  for (const std::string& name : names) {
    // Links are followed: a mounted Secret is made of them.
    const bool file = !passed_over(name) && ::fstatat(folder.get(), name.c_str(), &st, 0) == 0 &&
                      S_ISREG(st.st_mode);
    if (file) files.push_back(path + "/" + name);
  }
  return files;
}

std::string join(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + printable(name);
  return out;
}

}  // namespace

TokenSource TokenSource::from_path(std::string path) {
  TokenSource source;
  source.path_ = std::move(path);
  return source;
}

Result<TokenSource> TokenSource::from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value || *value == '\0')
    return Error{Fault::not_found, fmt::format("no token in the environment's {}", variable)};
  TokenSource source;
  source.text_ = Secret(value);
  wipe_environment([&](std::string_view name) { return name == variable; });
  return source;
}

Result<std::vector<IdToken>> TokenSource::load() const {
  std::vector<IdToken> tokens;
  std::string fault;
  if (!text_.empty()) parse_lines(text_, tokens, fault);
  if (!path_.empty()) {
    const std::vector<std::string> files = TRY(files_of(path_));
    for (const std::string& file : files) {
      std::string content = TRY(read_file(file, kMaxTokenFile));
      parse_lines(Secret(std::move(content)), tokens, fault);
    }
  }
  if (!tokens.empty()) return tokens;
  const std::string where = path_.empty() ? "no token was given" : "no token in " + path_;
  return Error{Fault::denied, where + (fault.empty() ? "" : ": " + fault)};
}

Result<IdToken> TokenSource::choose(const std::string& trust_domain,
                                    const std::vector<std::string>& issuer_keys) const {
  std::vector<IdToken> tokens = TRY(load());
  std::set<std::string> issuers;
  std::set<std::string> keys;
  for (IdToken& token : tokens) {
    issuers.insert(token.issuer);
    if (!trust_domain.empty() && token.issuer != trust_domain) continue;
    keys.insert(token.key_id);
    if (issuer_keys.empty() ||
        std::find(issuer_keys.begin(), issuer_keys.end(), token.key_id) != issuer_keys.end())
      return std::move(token);
  }
  if (keys.empty())
    return Error{Fault::denied,
                 fmt::format("wrong issuer: the pool's trust domain is {}, the token's is {}",
                             printable(trust_domain), join(issuers))};
  return Error{Fault::denied,
               fmt::format("wrong key: the pool knows {}, the token was signed with {}",
                           join({issuer_keys.begin(), issuer_keys.end()}), join(keys))};
}

}  // namespace podpilot::agent::htcondor
