// SPDX-License-Identifier: Apache-2.0
// Options that several commands read the same way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/options.h"
#include "agent/job/description.h"
#include "oci/registry/registries_conf.h"
#include "sandbox/base/config_files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

// --log-level (`otherwise` where it was not given) and --log-format.
Result<void> configure_log(const Options& options, log::Level otherwise);

Result<PullPolicy> pull_policy(const Options& options);

// Every configuration file (config_files.h) that a pull may want to read: names, certificate
// authorities, credentials.
Result<ConfigFiles> read_config_files(const Options& options);

// Where credentials are looked for: --registry-config, else docker's places.
std::vector<std::string> credential_files(const Options& options);

// Where mirrors and the like are looked for: --registries-conf, else containers' places.
oci::RegistriesFiles registries_files(const Options& options);

// The options about registries, checked, and about the cache, as a pull that is our child gets
// them.
Result<std::vector<std::string>> pull_arguments(const Options& options);

// A number from 1 up. Fault::invalid that names the option.
Result<unsigned> count_option(const Options& options, std::string_view name);

}  // namespace podpilot::agent
