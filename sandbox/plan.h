// SPDX-License-Identifier: Apache-2.0
// Decides: a Spec becomes a list of typed steps, which mounts.cc and init.cc carry out one by one.
// Pure, so that what a sandbox will do can be printed, compared and tested without doing it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/kill.h"
#include "sandbox/layout.h"
#include "sandbox/reach.h"
#include "sandbox/rung.h"
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
  file,         // a file `target` with the text of the files `sources` (outside) and the text
                // `source`, if they are there; option `optional`: if its folder is there
  cover,        // hide `target` if it is there: an empty read-only file or folder over it
  read_only,    // `target`, if it is there, is bound over itself read-only
  enter,        // the tree becomes `/`: pivot_root, or MS_MOVE and chroot where that is refused

  // Of the rungs that mount nothing (transplant.h); each of them is undone after the job.
  purge_ipc,  // remove System V shared memory, semaphores and queues of jobs
  empty,      // remove what a payload left in the folder `target`
  show,       // in the tree `sources[0]`, `target` is a link to `source`, or an empty folder
  live,       // the link `target` points at the tree `source`
  entries,    // the folder `target` gets a link for each entry of `source`
  fill,       // the folder `target` gets the entries of `source` themselves
};

constexpr bool mounts(Op op) {
  return op <= Op::enter;
}
std::string_view name(Op op);

struct Step {
  Op op{};
  std::string target{};   // absolute, inside
  std::string source{};   // absolute, outside, unless Op says otherwise
  std::string options{};  // filesystem's own
  Access access = Access::read_only;
  std::vector<std::string> sources{};  // see Op

  bool operator==(const Step&) const = default;
};

// How the payload gets its ids.
enum class Ids : std::uint8_t {
  map,   // a user namespace with that one id
  keep,  // the pilot's
  set,   // setresuid(2): an id that no other process has
};

// Everything the launcher needs, in the order in which the job's supervisor does it: pid 1 of the
// sandbox, or without a pid namespace a subreaper.
struct Plan {
  std::uint64_t namespaces = 0;  // CLONE_NEW*, for the one clone(2)
  Ids ids = Ids::map;
  Identity user;
  KillBy kill = KillBy::everyone;
  bool own_domain = false;  // the supervisor takes a Landlock domain, so that kill(-1) ends at it
  Reach reach;              // empty: the payload has a root of its own
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

// What a plan must know of the pod.
struct Pod {
  Rung rung = Rung::userns;
  Layout layout;              // of the rungs that mount nothing
  int landlock_abi = 0;       // of the kernel
  bool carries_out = false;   // changes of metadata (call_service.h)
  bool holds_memory = false;  // jobs can have control groups of their own
  std::uint32_t uid = 0;      // of this process, as it sees itself
  std::uint32_t gid = 0;
  std::uint32_t job_id = 0;  // of Ids::set: uid and gid of the next job (idmap.h)
};

// Names at the top of an image that a payload of these rungs sees as they are, shared with the
// cache and read-only, but for Spec::writable_image. All others are copies of its own.
bool is_shared(std::string_view top_level_name);
// The kernel's own, and /tmp, which is empty for each job: not shown, whatever the image has there.
inline constexpr std::array<std::string_view, 4> kNotShown = {"proc", "sys", "dev", "tmp"};

// Fault::invalid where the Spec asks for what cannot be (spec_check.h), Fault::unsupported where
// this pod lacks something for it, a name at the top of its root for one.
Result<Plan> make_plan(const Pod& pod, const Spec& spec);

// One line a step: for golden tests and `run --print-plan`.
std::string describe(const Plan& plan);

inline constexpr std::string_view kOptional = "optional";
// Of empty and fill: everything in the folder is the job's, whoever owns it.
inline constexpr std::string_view kWholeFolder = "whole";

// For the way to the launcher. parse_plan() takes only what serialise() wrote.
std::string serialise(const Plan& plan);
Result<Plan> parse_plan(std::string_view bytes);

}  // namespace podpilot::sandbox
