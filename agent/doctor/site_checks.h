// SPDX-License-Identifier: Apache-2.0
// What a pilot needs of its pod beside a sandbox.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/doctor/diagnosis.h"
#include "agent/doctor/finding.h"
#include "oci/http/trust.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

// `text` is that of resolv.conf(5).
Finding judge_resolver(const Result<std::string>& text);
Finding judge_trust(const oci::http::Trust& trust);
// `reference` is a registry's clock, where one was asked.
Finding judge_clock(std::chrono::system_clock::time_point now,
                    std::optional<std::chrono::system_clock::time_point> reference);
Finding judge_identity(const PodFacts& facts);

// A volume at `path`: `opened` says how making it went. Writes to it, and runs a program from it.
Finding check_disk(const std::string& name, const std::string& path, const Result<void>& opened);

}  // namespace podpilot::agent
