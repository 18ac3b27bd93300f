// SPDX-License-Identifier: Apache-2.0
#include "agent/cli/common.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <utility>

#include "oci/http/client.h"
#include "oci/registry/credentials.h"
#include "oci/registry/mirror.h"
#include "oci/registry/registries_conf.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/text.h"

namespace podpilot::agent {
namespace {

oci::RegistryReference some_image() {
  return {.domain = std::string(oci::kDefaultDomain),
          .repository = "library/x",
          .tag = "1",
          .digest = {}};
}

template <typename Value, std::size_t N>
Result<Value> one_of(const Options& options, const char* name,
                     const std::array<std::pair<const char*, Value>, N>& known) {
  std::string names;
  for (const auto& [word, value] : known) {
    if (options.text(name) == word) return value;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", word);
  }
  return Error{Fault::invalid, fmt::format("--{} \"{}\": must be one of {}", name,
                                           printable(options.text(name)), names)};
}

}  // namespace

Result<void> configure_log(const Options& options, log::Level otherwise) {
  constexpr std::array<std::pair<const char*, log::Level>, 4> kLevels = {
      {{"debug", log::Level::debug},
       {"info", log::Level::info},
       {"warning", log::Level::warning},
       {"error", log::Level::error}}};
  constexpr std::array<std::pair<const char*, log::Format>, 2> kFormats = {
      {{"text", log::Format::text}, {"json", log::Format::json}}};
  log::Level level = otherwise;
  if (options.has("log-level")) level = TRY(one_of(options, "log-level", kLevels));
  const log::Format format = TRY(one_of(options, "log-format", kFormats));
  log::configure(level, format);
  return {};
}

Result<PullPolicy> pull_policy(const Options& options) {
  constexpr std::array<std::pair<const char*, PullPolicy>, 3> kPolicies = {
      {{"missing", PullPolicy::missing},
       {"always", PullPolicy::always},
       {"never", PullPolicy::never}}};
  return one_of(options, "pull", kPolicies);
}

std::vector<std::string> credential_files(const Options& options) {
  if (options.has("registry-config")) return {options.text("registry-config")};
  return oci::default_credential_files();
}

oci::RegistriesFiles registries_files(const Options& options) {
  if (options.has("registries-conf")) return {{options.text("registries-conf")}, {}};
  return oci::default_registries_files();
}

Result<ConfigFiles> read_config_files(const Options& options) {
  std::vector<std::string> paths = oci::http::client_files();
  const oci::RegistriesFiles registries = registries_files(options);
  for (const auto& more : {credential_files(options), registries.main, registries.drop_ins})
    paths.insert(paths.end(), more.begin(), more.end());
  return ConfigFiles::read(paths);
}

Result<std::vector<std::string>> pull_arguments(const Options& options) {
  std::vector<std::string> out;
  for (const std::string name : {"registry-config", "registries-conf", "registry-mirror"}) {
    if (!options.has(name)) continue;
    const std::string value = options.text(name);
    if (name == "registry-mirror")
      TRY(oci::at_mirror(some_image(), value).within("--registry-mirror"));
    else if (::access(value.c_str(), R_OK) != 0)
      return sys_error("--" + name + " " + value);
    out.insert(out.end(), {"--" + name, value});
  }
  if (options.has("trust-cache-locks")) out.emplace_back("--trust-cache-locks");
  return out;
}

Result<unsigned> count_option(const Options& options, std::string_view name) {
  const std::uint64_t value = TRY(options.number(name));
  if (value == 0 || value > std::numeric_limits<unsigned>::max())
    return Error{Fault::invalid, fmt::format("--{} must be at least 1, and not absurd", name)};
  return static_cast<unsigned>(value);
}

}  // namespace podpilot::agent
