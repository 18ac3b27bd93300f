// SPDX-License-Identifier: Apache-2.0
// Options that several commands read the same way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/options.h"
#include "agent/job/description.h"
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

// --registry-config, checked to be readable.
Result<std::optional<std::string>> registry_config(const Options& options);
// --registry-mirror, where images can be named there.
Result<std::optional<std::string>> registry_mirror(const Options& options);

// A number from 1 up. Fault::invalid that names the option.
Result<unsigned> count_option(const Options& options, std::string_view name);

}  // namespace podpilot::agent
