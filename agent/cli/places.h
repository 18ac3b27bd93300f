// SPDX-License-Identifier: Apache-2.0
// Where cache and scratch are, if nobody says.
#pragma once

#include <string>

#include "agent/cli/options.h"
#include "oci/store/store.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

// Absolute. --cache, else /pod/cache where /pod is a volume of ours, else $XDG_CACHE_HOME/podpilot,
// $HOME/.cache/podpilot, /tmp/podpilot-UID.
std::string cache_folder(const Options& options);
Result<oci::Store> open_cache(const Options& options);

// --scratch, else scratch/ in the cache.
std::string scratch_folder(const Options& options);

// Without "." and "..", and without a slash at its end.
std::string absolute_path(const std::string& path);

}  // namespace podpilot::agent
