// SPDX-License-Identifier: Apache-2.0
// `podpilot` called as apptainer or singularity: the part of that command line which HTCondor's
// condor_starter uses. The environment of a call is the job's own: no option is taken from it.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "agent/cli/apptainer_call.h"
#include "agent/cli/apptainer_flags.h"
#include "agent/cli/commands.h"
#include "agent/cli/common.h"
#include "agent/cli/message.h"
#include "agent/cli/places.h"
#include "agent/cli/run.h"
#include "agent/version.h"
#include "oci/reference.h"
#include "oci/registry/credentials.h"
#include "sandbox/base/environment.h"
#include "sandbox/base/io.h"
#include "sandbox/base/json.h"
#include "sandbox/base/kernel.h"
#include "sandbox/base/path.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

constexpr mode_t kPrivate = 0700;
constexpr const char* kLoginFile = "login.json";

// What a pull may take from here. A job's proxy sees TLS only: plain http has no business with one.
constexpr std::array kKept = {"HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"};

std::map<std::string, std::string> take_environment() {
  std::map<std::string, std::string> all;
  for (const std::string& variable : environment()) {
    const std::size_t equals = variable.find('=');
    if (equals != std::string::npos)
      all.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  ::clearenv();
  for (const char* name : kKept)
    if (const auto found = all.find(name); found != all.end())
      ::setenv(name, found->second.c_str(), 1);
  return all;
}

// Along `path`, one component after the other: what is there may be the job's.
Result<DirFd> make_below(const std::string& folder, const std::string& path) {
  DirFd at = TRY(open_dir(folder));
  for (const std::string_view name : split(path, '/')) {
    if (name.empty()) continue;
    DirFd next = TRY(make_dir_at(at, std::string(name), kPrivate).within(path));
    at = std::move(next);
  }
  return at;
}

Result<Options> parse_options(const std::vector<std::string>& words) {
  std::vector<std::string> all = words;
  all.emplace_back("--quiet");
  std::vector<char*> pointers;
  for (std::string& word : all) pointers.push_back(word.data());
  return Options::parse(*find_command("run"), pointers);
}

// Nobody without them may use what was pulled with a job's own credentials: it goes into a cache in
// the job's folder.
Result<void> use_login(const ApptainerCall& call, const std::string& scratch,
                       std::vector<std::string>& words) {
  if (call.workdir.empty())
    return Error{Fault::invalid, "credentials in the environment need --workdir"};
  const oci::Reference image = TRY(oci::Reference::parse(call.job.image));
  const DirFd folder = TRY(make_below(call.workdir, kWorkdirPart));
  const Json login = {{"auths",
                       {{image.registry.domain,
                         {{"auth", oci::encode_base64(fmt::format("{}:{}", call.login->username,
                                                                  call.login->password))}}}}}};
  TRY(replace_file_at(folder, kLoginFile, dump_json(login), 0600, Durable::no));
  const std::string own = fmt::format("{}/{}", call.workdir, kWorkdirPart);
  words.insert(words.end(), {"--cache", own + "/cache", "--scratch", scratch, "--registry-config",
                             fmt::format("{}/{}", own, kLoginFile)});
  return {};
}

Result<void> check_image(const std::string& image) {
  if (!image.starts_with('/')) return {};
  std::error_code failed;
  const std::filesystem::file_status status = std::filesystem::status(image, failed);
  if (status.type() == std::filesystem::file_type::directory) return {};
  if (status.type() == std::filesystem::file_type::not_found)
    return Error{Fault::not_found, fmt::format("no folder {}", printable(image))};
  if (failed)
    return Error{Fault::denied, fmt::format("{}: {}", printable(image), failed.message())};
  return Error{
      Fault::unsupported,
      fmt::format("{} is a file: only docker:// images and folders can be run", printable(image))};
}

Result<void> check_gpus(const ApptainerCall& call) {
  const auto refuse = [](const char* flag, const char* device) {
    return Error{Fault::unsupported,
                 fmt::format("{}: there is {}, which cannot be given to a payload", flag, device)};
  };
  constexpr const char* kNvidia = "/dev/nvidiactl";
  constexpr const char* kAmd = "/dev/kfd";
  if (call.nvidia && ::access(kNvidia, F_OK) == 0) return refuse("--nv", kNvidia);
  if (call.amd && ::access(kAmd, F_OK) == 0) return refuse("--rocm", kAmd);
  return {};
}

int carry_out(std::string_view name, ApptainerCall call) {
  if (const Result<void> kernel = check_kernel(); !kernel)
    return report_failure(name, Origin::site, kernel.error());
  if (const Result<void> image = check_image(call.job.image); !image)
    return report_failure(name, Origin::image, image.error());
  if (const Result<void> gpus = check_gpus(call); !gpus)
    return report_failure(name, Origin::site, gpus.error());
  Result<Options> options = parse_options(call.options);
  if (!options) return report_usage(name, options.error());
  if (const Result<void> logging = configure_log(*options, log::Level::warning); !logging)
    return report_usage(name, logging.error());
  if (call.login) {
    const Result<void> used = use_login(call, scratch_folder(*options), call.options);
    if (!used) return report_failure(name, Origin::site, used.error());
    options = parse_options(call.options);
    if (!options) return report_usage(name, options.error());
  }
  for (const std::string& folder : call.folders)
    if (const Result<DirFd> made = make_below(call.workdir, folder); !made)
      return report_failure(name, Origin::site, made.error());
  return run_once({.command = name,
                   .options = *options,
                   .job = std::move(call.job),
                   .program_may_lack = call.verb == ApptainerVerb::test});
}

void print_help(std::string_view name) {
  fmt::print(
      "Usage: {0} [FLAGS] exec [FLAGS] IMAGE PROGRAM [ARGUMENT...]\n"
      "       {0} [FLAGS] run|test [FLAGS] IMAGE [ARGUMENT...]\n"
      "       {0} --version\n\n"
      "podpilot in the place of apptainer, as HTCondor's condor_starter calls it. IMAGE is\n"
      "docker://HOST/REPO:TAG or a folder. The exit code is the program's; 125: podpilot failed.\n"
      "No PODPILOT_ variable counts here: the environment is the job's.\n\nFlags:\n{1}",
      name, apptainer_flags_help());
}

}  // namespace

bool is_apptainer(std::string_view name) {
  return name == "apptainer" || name == "singularity";
}

int apptainer_command(std::string_view name, std::span<char* const> words) {
  Surroundings surroundings{
      .cwd = "/", .uid = ::geteuid(), .gid = ::getegid(), .environment = take_environment()};
  std::error_code failed;
  if (const auto cwd = std::filesystem::current_path(failed); !failed) surroundings.cwd = cwd;
  const std::vector<std::string> texts(words.begin(), words.end());
  Result<ApptainerCall> call = parse_apptainer_call(texts, surroundings);
  if (!call && call.error().fault == Fault::unsupported)
    return report_failure(name, Origin::image, call.error());
  if (!call) return report_usage(name, call.error());
  switch (call->verb) {
    case ApptainerVerb::help:
      print_help(name);
      return 0;
    case ApptainerVerb::version:
      // condor_starter takes "apptainer" in it for the prefix APPTAINERENV_.
      fmt::print("podpilot {} as {}\n", build_info().version, name);
      return 0;
    default:
      return carry_out(name, *std::move(call));
  }
}

}  // namespace podpilot::agent
