// SPDX-License-Identifier: Apache-2.0
// Whose jobs a pod runs. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace podpilot::agent {

struct Tenancy {
  bool one = false;  // submitter in the life of the pod (sandbox::serves_one_user)
  std::optional<std::string> submitter{};  // where one: of the first job

  bool operator==(const Tenancy&) const = default;
};

enum class Ruling : std::uint8_t {
  accept,
  refuse,  // others may run it
  retire,  // as `refuse`, and a new pod would serve the pool better than this one
};

// What becomes of a job of `submitter`, while the pod's own submitter has work for it or not.
// "" is nobody that can be told from others.
Ruling rule(const Tenancy& tenancy, const std::string& submitter, bool has_work);

}  // namespace podpilot::agent
