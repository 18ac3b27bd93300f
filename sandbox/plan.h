// SPDX-License-Identifier: Apache-2.0
// Decides: a Spec becomes a list of typed steps, which mounts.cc and init.cc carry out one by one.
// Pure, so that what a sandbox will do can be printed, compared and tested without doing it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/seccomp/filter.h"
#include "sandbox/spec.h"

namespace podpilot::sandbox {

enum class Op : std::uint8_t {
  overlay,      // the layers, bottom first in `sources`, with a fresh upper below `source`
  proc,         // a fresh procfs; where the pod masks its own, that one: read-only, pilot covered
  bind,         // `source` (outside) with all mounts below it; option `optional`: if it is there
  bind_device,  // one device node; option `optional`: if it is there
  tmpfs,        // options as for mount(2)
  devpts,       // an instance of its own
  mqueue,       // POSIX message queues of the sandbox's IPC namespace
  symlink,      // `target` points at `source`
  file,         // a file `target` with the text `source`; option `optional`: if its folder is there
  cover,        // hide `target` if it is there: an empty read-only file or folder over it
  read_only,    // `target`, if it is there, is bound over itself read-only
  enter,        // the tree becomes `/`: pivot_root, or MS_MOVE and chroot where that is refused
};

struct Step {
  Op op{};
  std::string target{};   // absolute, inside
  std::string source{};   // absolute, outside, unless Op says otherwise
  std::string options{};  // filesystem's own
  Access access = Access::read_only;
  std::vector<std::string> sources{};  // overlay only

  bool operator==(const Step&) const = default;
};

// Everything the launcher needs, in the order in which pid 1 does it.
struct Plan {
  std::uint64_t namespaces = 0;  // CLONE_NEW*, for the one clone(2)
  Identity user;
  std::string workspace;
  std::string hostname;  // "" leaves the pod's
  std::vector<Step> steps;
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string workdir;
  std::uint64_t capabilities = 0;  // bit mask: the most the payload may hold
  std::vector<Filter> filters;
  ResourceLimits limits;
  bool read_only_root = false;  // once the working folder is made
  bool terminal = false;
};

// The rung `userns`. Fault::invalid where the Spec asks for what cannot be (spec_check.h).
Result<Plan> plan_userns(const Spec& spec);

// In the order of loading. A network that is not wanted and for which there is no namespace
// (CLONE_NEW*) is kept away by a filter.
std::vector<Filter> filters_for(const Spec& spec, std::uint64_t namespaces);

// One line a step: for golden tests and `run --print-plan`.
std::string describe(const Plan& plan);

inline constexpr std::string_view kOptional = "optional";

// For the way to the launcher. parse_plan() takes only what serialise() wrote.
std::string serialise(const Plan& plan);
Result<Plan> parse_plan(std::string_view bytes);

}  // namespace podpilot::sandbox
