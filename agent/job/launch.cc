// SPDX-License-Identifier: Apache-2.0
#include "agent/job/launch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "sandbox/user_database.h"

namespace podpilot::agent {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<std::string> make_argv(const oci::ImageConfig& config, const JobDescription& job) {
  std::vector<std::string> argv = job.command.empty() ? config.entrypoint : job.command;
  const bool use_cmd = job.command.empty() && job.args.empty();
  const std::vector<std::string>& rest = use_cmd ? config.cmd : job.args;
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

std::vector<std::string> make_env(const oci::ImageConfig& config, const JobDescription& job,
                                  const std::string& home, bool terminal) {
  std::map<std::string, std::string> env = {{"PATH", kDefaultPath}, {"HOME", home}};
  if (terminal) env["TERM"] = "xterm";
  for (const std::string& variable : config.env) {
    const std::size_t equals = variable.find('=');
    if (equals != std::string::npos && equals != 0)
      env[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  for (const auto& [name, value] : job.env) env[name] = value;
  std::vector<std::string> out;
  for (const auto& [name, value] : env) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

std::string make_workdir(const oci::ImageConfig& config, const JobDescription& job) {
  if (!job.workdir.empty()) return job.workdir;
  if (!job.scratch.empty()) return job.scratch;
  if (config.working_dir.empty()) return "/";
  // image-spec does not demand an absolute one; runtimes read it from the root.
  return config.working_dir[0] == '/' ? config.working_dir : "/" + config.working_dir;
}

// A source that is not there stays as it is: the sandbox names it.
std::string resolve(const std::string& source) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(source, error);
  return error ? source : real.string();
}

// Backstops of the watchdog, which judges by the job as a whole. Twice its memory: programs that
// grow by doubling would otherwise see an allocation fail at half of what they may have, and end
// with a reason of their own. A file's limit holds in /dev/shm as well, so it is no less than the
// memory's.
sandbox::ResourceLimits make_limits(const JobDescription& job) {
  constexpr std::uint64_t kDataFactor = 2;
  sandbox::ResourceLimits limits;
  limits.core_size = 0;
  const std::uint64_t memory = job.request.memory;
  if (memory != 0 && memory <= std::numeric_limits<std::uint64_t>::max() / kDataFactor)
    limits.data_size = memory * kDataFactor;
  if (job.request.disk != 0) limits.file_size = std::max(job.request.disk, memory);
  if (job.processes != 0) limits.processes = job.processes;
  if (job.cpu_time)
    limits.cpu_seconds =
        static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(*job.cpu_time).count());
  if (job.pinned_cpus != 0) limits.cpus = job.pinned_cpus;
  return limits;
}

}  // namespace

void move_scratch(JobDescription& job, const std::string& path) {
  const std::string from = std::exchange(job.scratch, path);
  const auto move = [&](std::string& text) {
    if (text == from || text.starts_with(from + "/")) text.replace(0, from.size(), path);
  };
  if (!job.command.empty()) move(job.command.front());
  for (auto& [name, value] : job.env) move(value);
  move(job.workdir);
}

Result<sandbox::Spec> make_spec(const oci::Image& image, const JobDescription& job,
                                const JobFolder& folder, bool terminal) {
  const std::string& wanted = job.user.empty() ? image.config.user : job.user;
  const sandbox::User user = TRY(sandbox::find_user_in_layers(wanted, image.layers));
  sandbox::Spec spec;
  spec.layers = {folder.mountpoints};
  spec.layers.insert(spec.layers.end(), image.layers.begin(), image.layers.end());
  spec.workspace = folder.workspace;
  spec.argv = make_argv(image.config, job);
  spec.env = make_env(image.config, job, user.home, terminal);
  spec.workdir = make_workdir(image.config, job);
  spec.user = user.identity;
  spec.limits = make_limits(job);
  spec.devices = job.devices;
  spec.network = job.network;
  spec.hostname = job.hostname;
  spec.read_only = job.read_only;
  spec.fake_root = job.fake_root;
  spec.terminal = terminal;
  if (!job.scratch.empty())
    spec.binds.push_back({folder.files_path, job.scratch, sandbox::Access::read_write});
  for (const Bind& bind : job.binds)
    spec.binds.push_back(
        {resolve(bind.source), bind.target,
         bind.writable ? sandbox::Access::read_write : sandbox::Access::read_only});
  for (const Tmpfs& tmpfs : job.tmpfs) spec.tmpfs.push_back({tmpfs.target, tmpfs.size});
  return spec;
}

}  // namespace podpilot::agent
