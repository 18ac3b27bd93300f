// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/run_options.h"

#include <fmt/format.h>

#include <cstdlib>

#include "agent/cli/common.h"
#include "agent/cli/env_file.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr std::size_t kMaxEnvFile = 1 << 20;

Result<Bind> parse_bind(std::string_view option, const std::string& text) {
  const std::vector<std::string_view> parts = split(text, ':');
  const bool mode_known =
      parts.size() == 2 || (parts.size() == 3 && (parts[2] == "ro" || parts[2] == "rw"));
  if (!mode_known || !parts[0].starts_with('/') || !parts[1].starts_with('/'))
    return Error{Fault::invalid,
                 fmt::format("--{} \"{}\": must be /source:/target, with :ro if it shall be "
                             "read-only",
                             option, printable(text))};
  return Bind{std::string(parts[0]), std::string(parts[1]), parts.size() == 2 || parts[2] == "rw"};
}

Result<Tmpfs> parse_tmpfs(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Tmpfs tmpfs{.target = text.substr(0, colon)};
  if (colon == std::string::npos) return tmpfs;
  const auto size = parse_bytes(std::string_view(text).substr(colon + 1));
  if (!size)
    return Error{Fault::invalid,
                 fmt::format("--tmpfs \"{}\": must be /target or /target:512MiB", printable(text))};
  tmpfs.size = *size;
  return tmpfs;
}

Result<sandbox::Network> parse_network(const std::string& text) {
  if (text == "host") return sandbox::Network::host;
  if (text == "none") return sandbox::Network::none;
  return Error{Fault::invalid,
               fmt::format("--network \"{}\": must be host or none", printable(text))};
}

// "NAME=VALUE", or "NAME" for the value that it has here, if it has one.
void set_variable(std::map<std::string, std::string>& env, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos) {
    env[text.substr(0, equals)] = text.substr(equals + 1);
  } else if (const char* ours = std::getenv(text.c_str())) {
    env[text] = ours;
  }
}

// What --env says counts over the files, a later file over an earlier one.
Result<void> set_environment(JobDescription& job, const Options& options) {
  for (const std::string& file : options.texts("env-file")) {
    const std::string where = fmt::format("--env-file \"{}\"", printable(file));
    const std::string bytes = TRY(read_file(file, kMaxEnvFile).within(where));
    const std::vector<std::string> variables = TRY(parse_env_file(bytes).within(where));
    for (const std::string& variable : variables) set_variable(job.env, variable);
  }
  return set_variables(job.env, options);
}

Result<void> set_limits(JobDescription& job, const Options& options) {
  if (options.has("memory")) job.request.memory = TRY(options.bytes("memory"));
  if (options.has("disk")) job.request.disk = TRY(options.bytes("disk"));
  if (options.has("cpu-time")) job.cpu_time = TRY(options.duration("cpu-time"));
  if (options.has("pids-limit")) job.processes = TRY(count_option(options, "pids-limit"));
  if (options.has("cpus")) job.pinned_cpus = TRY(count_option(options, "cpus"));
  return {};
}

}  // namespace

Result<void> set_variables(std::map<std::string, std::string>& env, const Options& options) {
  for (const std::string& text : options.texts("env")) {
    if (text.empty() || text[0] == '=')
      return Error{Fault::invalid,
                   fmt::format("--env \"{}\": must be NAME=VALUE or NAME", printable(text))};
    set_variable(env, text);
  }
  return {};
}

Result<Bind> parse_pilot_bind(const std::string& text) {
  return parse_bind("bind", text.contains(':') ? text : text + ":" + text);
}

Result<JobDescription> describe_job(const Options& options) {
  JobDescription job;
  if (options.arguments().empty())
    return Error{Fault::invalid, "which image? See podpilot run --help"};
  job.image = options.arguments()[0];
  job.name = job.image;
  job.args.assign(options.arguments().begin() + 1, options.arguments().end());
  if (options.has("entrypoint")) job.command = {options.text("entrypoint")};
  job.user = options.text("user");
  job.workdir = options.text("workdir");
  job.scratch = "";
  job.pull = TRY(pull_policy(options));
  TRY(set_environment(job, options));
  for (const char* option : {"volume", "bind"})
    for (const std::string& text : options.texts(option)) {
      Bind bind = TRY(parse_bind(option, text));
      job.binds.push_back(std::move(bind));
    }
  for (const std::string& text : options.texts("tmpfs")) {
    Tmpfs tmpfs = TRY(parse_tmpfs(text));
    job.tmpfs.push_back(std::move(tmpfs));
  }
  job.devices = options.texts("device");
  job.network = TRY(parse_network(options.text("network")));
  job.hostname = options.text("hostname");
  job.read_only = options.has("read-only");
  job.fake_root = options.has("fake-root");
  if (options.has("time-limit")) job.time_limit = TRY(options.duration("time-limit"));
  TRY(set_limits(job, options));
  return job;
}

}  // namespace podpilot::agent
