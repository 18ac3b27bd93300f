// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/apptainer_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "agent/cli/apptainer_flags.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

using Environment = std::map<std::string, std::string>;

constexpr std::string_view kDocker = "docker://";
constexpr const char* kRunscript = "/.singularity.d/runscript";

// The later counts over the earlier.
constexpr std::array<std::string_view, 2> kPrefixes = {"SINGULARITYENV_", "APPTAINERENV_"};
constexpr std::array<std::string_view, 2> kOwnNames = {"SINGULARITY_", "APPTAINER_"};

// --home and the image say these.
constexpr std::array<std::string_view, 3> kNotPassedOn = {"HOME", "PATH", "LD_LIBRARY_PATH"};

std::string normal(const std::string& cwd, std::string_view path) {
  std::string text = (std::filesystem::path(cwd) / path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

bool is_login(std::string_view name) {
  return name.ends_with("_DOCKER_USERNAME") || name.ends_with("_DOCKER_PASSWORD");
}

Environment job_environment(const Environment& ours, bool clean) {
  Environment out;
  for (const auto& [name, value] : ours) {
    const auto begins = [&name](std::string_view prefix) { return name.starts_with(prefix); };
    const bool own = std::any_of(kPrefixes.begin(), kPrefixes.end(), begins) ||
                     std::any_of(kOwnNames.begin(), kOwnNames.end(), begins);
    const bool kept =
        std::find(kNotPassedOn.begin(), kNotPassedOn.end(), name) != kNotPassedOn.end();
    if (!clean && !own && !kept) out[name] = value;
  }
  for (const std::string_view prefix : kPrefixes)
    for (const auto& [name, value] : ours) {
      const std::string inside = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
      if (!inside.empty() && inside != "HOME" && !is_login(inside)) out[inside] = value;
    }
  return out;
}

std::optional<RegistryLogin> registry_login(const Environment& ours) {
  RegistryLogin login;
  for (const std::string_view prefix : kOwnNames) {
    const auto look_up = [&](std::string_view name, std::string& value) {
      const auto found = ours.find(fmt::format("{}{}", prefix, name));
      if (found != ours.end() && !found->second.empty()) value = found->second;
    };
    look_up("DOCKER_USERNAME", login.username);
    look_up("DOCKER_PASSWORD", login.password);
  }
  if (login.username.empty() || login.password.empty()) return {};
  return login;
}

Result<Bind> parse_bind(const GivenFlag& given, std::string_view text, const std::string& cwd) {
  const std::vector<std::string_view> parts = split(text, ':');
  const std::string_view mode = parts.size() > 2 ? parts[2] : "rw";
  const std::string_view target = parts.size() > 1 ? parts[1] : parts[0];
  if (parts[0].empty() || parts.size() > 3 || (parts.size() > 1 && !target.starts_with('/')))
    return Error{Fault::invalid, fmt::format("{} \"{}\": must be SOURCE[:/TARGET[:ro|rw]]",
                                             given.name, printable(text))};
  if (mode != "ro" && mode != "rw")
    return Error{Fault::invalid, fmt::format("{} \"{}\": unknown bind option {}", given.name,
                                             printable(text), printable(mode))};
  return Bind{normal(cwd, parts[0]), normal(cwd, target), mode == "rw"};
}

// Whether `wanted` is seen already, as part of a folder that is bound.
bool is_shown(const std::vector<Bind>& binds, const Bind& wanted) {
  return std::any_of(binds.begin(), binds.end(), [&](const Bind& bind) {
    if (!wanted.source.starts_with(bind.source) || !wanted.target.starts_with(bind.target))
      return false;
    const std::string_view rest = std::string_view(wanted.source).substr(bind.source.size());
    return (rest.empty() || rest[0] == '/') && bind.writable == wanted.writable &&
           std::string_view(wanted.target).substr(bind.target.size()) == rest;
  });
}

Result<void> set_image(JobDescription& job, const std::string& text, const std::string& cwd) {
  job.name = text;
  if (text.starts_with(kDocker)) {
    job.image = text;
    return {};
  }
  const bool sif = text.ends_with(".sif") || text.ends_with(".simg");
  if (sif || text.find("://") != std::string::npos)
    return Error{Fault::unsupported,
                 fmt::format("{}: {} cannot be read; give a docker:// image or a folder",
                             printable(text), sif ? "a SIF image" : "such an image")};
  job.image = normal(cwd, text);
  return {};
}

bool is_folder(const JobDescription& job) {
  return job.image.starts_with('/');
}

Result<void> set_command(ApptainerCall& call, std::span<const std::string> rest) {
  JobDescription& job = call.job;
  switch (call.verb) {
    case ApptainerVerb::exec:
      if (rest.empty()) return Error{Fault::invalid, "exec: which program?"};
      job.command = {rest[0]};
      job.args.assign(rest.begin() + 1, rest.end());
      break;
    case ApptainerVerb::run:
      if (is_folder(job)) job.command = {kRunscript};
      job.args.assign(rest.begin(), rest.end());
      break;
    default:
      job.command = {kImageTest};
      job.args.assign(rest.begin(), rest.end());
  }
  return {};
}

class Translation {
 public:
  Translation(ApptainerCall& call, const Surroundings& from) : call_(call), from_(from) {}

  Result<void> take(const GivenFlag& given) {
    JobDescription& job = call_.job;
    switch (given.flag) {
      case ApptainerFlag::clean_env:
        clean_ = true;
        break;
      case ApptainerFlag::scratch:
        scratch_.push_back(normal("/", given.value));
        break;
      case ApptainerFlag::workdir:
        call_.workdir = normal(from_.cwd, given.value);
        break;
      case ApptainerFlag::bind:
        for (const std::string_view text : split(given.value, ',')) {
          Bind bind = TRY(parse_bind(given, text, from_.cwd));
          if (!is_shown(job.binds, bind)) job.binds.push_back(std::move(bind));
        }
        break;
      case ApptainerFlag::home:
        home_ = TRY(parse_bind(given, given.value, from_.cwd));
        break;
      case ApptainerFlag::pwd:
        job.workdir = normal("/", given.value);
        break;
      case ApptainerFlag::env: {
        const std::size_t equals = given.value.find('=');
        if (equals == 0 || equals == std::string::npos)
          return Error{Fault::invalid, fmt::format("{} \"{}\": must be NAME=VALUE", given.name,
                                                   printable(given.value))};
        variables_[given.value.substr(0, equals)] = given.value.substr(equals + 1);
        break;
      }
      case ApptainerFlag::fake_root:
        job.fake_root = true;
        break;
      case ApptainerFlag::nvidia:
        call_.nvidia = true;
        break;
      case ApptainerFlag::amd:
        call_.amd = true;
        break;
      case ApptainerFlag::verbose:
        call_.options.insert(call_.options.end(), {"--log-level", "info"});
        break;
      case ApptainerFlag::debug:
        call_.options.insert(call_.options.end(), {"--log-level", "debug"});
        break;
      case ApptainerFlag::option:
        if (std::find(call_.options.begin(), call_.options.end(), given.name) ==
            call_.options.end())
          call_.options.insert(call_.options.end(), {given.name, given.value});
        break;
      case ApptainerFlag::help:
      case ApptainerFlag::version:
      case ApptainerFlag::quiet:
      case ApptainerFlag::contained:
        break;
    }
    return {};
  }

  Result<void> finish() {
    JobDescription& job = call_.job;
    job.scratch = "";
    job.user = job.fake_root ? "0:0" : fmt::format("{}:{}", from_.uid, from_.gid);
    job.env = job_environment(from_.environment, clean_);
    for (const char* name : {"APPTAINER", "SINGULARITY"})
      job.env[fmt::format("{}_CONTAINER", name)] = job.name;
    for (auto& [name, value] : variables_) job.env[name] = value;
    if (home_) {
      job.env["HOME"] = home_->target;
      if (!is_shown(job.binds, *home_)) job.binds.push_back(*home_);
    }
    if (!scratch_.empty() && call_.workdir.empty())
      return Error{Fault::invalid, "--scratch needs --workdir, which holds its folders"};
    // In front: other binds may lie below their targets.
    std::vector<Bind> binds;
    for (const std::string& target : scratch_) {
      call_.folders.push_back(fmt::format("{}/scratch{}", kWorkdirPart, target));
      binds.push_back({fmt::format("{}/{}", call_.workdir, call_.folders.back()), target, true});
    }
    job.binds.insert(job.binds.begin(), binds.begin(), binds.end());
    call_.login = registry_login(from_.environment);
    return {};
  }

 private:
  ApptainerCall& call_;
  const Surroundings& from_;
  bool clean_ = false;
  std::vector<std::string> scratch_;
  std::optional<Bind> home_;
  Environment variables_;
};

bool has(const ApptainerLine& line, ApptainerFlag flag) {
  return std::any_of(line.flags.begin(), line.flags.end(),
                     [flag](const GivenFlag& given) { return given.flag == flag; });
}

Result<ApptainerVerb> parse_verb(const ApptainerLine& line) {
  constexpr std::array<std::pair<std::string_view, ApptainerVerb>, 5> kVerbs = {
      {{"help", ApptainerVerb::help},
       {"version", ApptainerVerb::version},
       {"exec", ApptainerVerb::exec},
       {"run", ApptainerVerb::run},
       {"test", ApptainerVerb::test}}};
  if (has(line, ApptainerFlag::help)) return ApptainerVerb::help;
  if (has(line, ApptainerFlag::version)) return ApptainerVerb::version;
  for (const auto& [name, verb] : kVerbs)
    if (line.verb == name) return verb;
  return Error{Fault::invalid, line.verb.empty() ? "what is to be done? See --help"
                                                 : fmt::format("unknown command {}; see --help",
                                                               printable(line.verb))};
}

}  // namespace

Result<ApptainerCall> parse_apptainer_call(std::span<const std::string> words,
                                           const Surroundings& surroundings) {
  const ApptainerLine line = TRY(parse_apptainer_line(words));
  ApptainerCall call;
  call.verb = TRY(parse_verb(line));
  if (call.verb == ApptainerVerb::help || call.verb == ApptainerVerb::version) return call;
  if (line.arguments.empty())
    return Error{Fault::invalid, fmt::format("{}: which image?", line.verb)};
  TRY(set_image(call.job, line.arguments[0], surroundings.cwd));
  Translation translation(call, surroundings);
  for (const GivenFlag& given : line.flags) TRY(translation.take(given));
  TRY(translation.finish());
  TRY(set_command(call, std::span(line.arguments).subspan(1)));
  return call;
}

}  // namespace podpilot::agent
