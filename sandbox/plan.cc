// SPDX-License-Identifier: Apache-2.0
#include "sandbox/plan.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>

#include "sandbox/base/text.h"
#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"
#include "sandbox/plan_transplant.h"
#include "sandbox/spec_check.h"

namespace podpilot::sandbox {
namespace {

constexpr std::uint64_t kNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

// Nodes that programs take for granted: the list of the OCI runtime-spec (config-linux.md, Default
// Devices) less console and ptmx, which devpts brings.
constexpr std::array kDevices = {"null", "zero", "full", "random", "urandom", "tty"};

// What container runtimes hide or freeze in /proc and /sys: readable secrets of the kernel and
// switches of the whole machine.
constexpr std::array kCovered = {"/proc/acpi",          "/proc/kcore",       "/proc/keys",
                                 "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
                                 "/proc/timer_list",    "/proc/timer_stats", "/sys/firmware"};
constexpr std::array kFrozen = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                "/proc/sysrq-trigger"};

constexpr std::string_view kHostnameFile = "/etc/hostname";
constexpr std::string_view kHostsFile = "/etc/hosts";
constexpr std::string_view kOwnAddress = "127.0.1.1";  // as Debian has it

// Before it fetches anything apt changes to a user of its own and looks whether it is that now.
constexpr const char* kAptFile = "/etc/apt/apt.conf.d/zz-podpilot-fake-root";
constexpr const char* kAptText = "APT::Sandbox::User \"root\";\n";

// What makes one rung another; all else follows from the Spec and the pod.
struct RungRow {
  std::uint64_t namespaces;
  Ids ids;
  KillBy kill;
  bool mounts;
};
constexpr std::array kRows = {
    RungRow{kNamespaces, Ids::map, KillBy::everyone, true},
    RungRow{kNamespaces & ~std::uint64_t{CLONE_NEWNS}, Ids::map, KillBy::everyone, false},
    RungRow{0, Ids::set, KillBy::uid, false},
    RungRow{0, Ids::keep, KillBy::everyone, false},
};
static_assert(kRows.size() == kLadder.size());

const RungRow& row_of(Rung rung) {
  return kRows[static_cast<std::size_t>(rung)];
}

// The order is the contract: what the job asked for is mounted while only the image's own tree can
// be met on the way, /proc, /sys and /dev after that, the root last.
std::vector<Step> userns_steps(const Spec& spec) {
  std::vector<Step> steps;
  steps.push_back({.op = Op::overlay,
                   .target = "/",
                   .source = spec.workspace,
                   .access = Access::read_write,
                   .sources = spec.layers});
  for (const TmpfsMount& tmpfs : spec.tmpfs)
    steps.push_back({.op = Op::tmpfs,
                     .target = tmpfs.target,
                     .options = tmpfs.size ? fmt::format("mode=1777,size={}", tmpfs.size)
                                           : std::string("mode=1777"),
                     .access = Access::read_write});
  for (const std::string_view file : kPodFiles) {
    if (file == kHostnameFile && !spec.hostname.empty())
      steps.push_back(
          {.op = Op::file, .target = std::string(file), .source = spec.hostname + "\n"});
    else if (file == kHostsFile && !spec.hostname.empty())
      steps.push_back({.op = Op::file,
                       .target = std::string(file),
                       .source = fmt::format("\n{} {}\n", kOwnAddress, spec.hostname),
                       .sources = {std::string(file)}});
    else
      steps.push_back({.op = Op::bind,
                       .target = std::string(file),
                       .source = std::string(file),
                       .options = std::string(kOptional)});
  }
  if (spec.fake_root)
    steps.push_back({.op = Op::file,
                     .target = kAptFile,
                     .source = kAptText,
                     .options = std::string(kOptional)});
  for (const BindMount& bind : spec.binds)
    steps.push_back(
        {.op = Op::bind, .target = bind.target, .source = bind.source, .access = bind.access});

  steps.push_back({.op = Op::proc, .target = "/proc", .access = Access::read_write});
  steps.push_back(
      {.op = Op::bind, .target = "/sys", .source = "/sys", .options = std::string(kOptional)});
  for (const char* path : kCovered) steps.push_back({.op = Op::cover, .target = path});
  for (const char* path : kFrozen) steps.push_back({.op = Op::read_only, .target = path});

  steps.push_back({.op = Op::tmpfs,
                   .target = "/dev",
                   .options = "mode=755,size=64k",
                   .access = Access::read_write});
  for (const char* device : kDevices)
    steps.push_back({.op = Op::bind_device,
                     .target = fmt::format("/dev/{}", device),
                     .source = fmt::format("/dev/{}", device),
                     .options = std::string(kOptional),
                     .access = Access::read_write});
  for (const std::string& device : spec.devices)
    steps.push_back(
        {.op = Op::bind_device, .target = device, .source = device, .access = Access::read_write});
  // No gid=5: under a map of a single id that gid does not exist (EINVAL).
  steps.push_back({.op = Op::devpts,
                   .target = "/dev/pts",
                   .options = "newinstance,ptmxmode=0666,mode=0620",
                   .access = Access::read_write});
  steps.push_back({.op = Op::tmpfs,
                   .target = "/dev/shm",
                   .options = "mode=1777",
                   .access = Access::read_write});
  steps.push_back({.op = Op::mqueue, .target = "/dev/mqueue", .access = Access::read_write});
  const std::array<std::pair<const char*, const char*>, 5> links = {
      {{"/dev/fd", "/proc/self/fd"},
       {"/dev/stdin", "/proc/self/fd/0"},
       {"/dev/stdout", "/proc/self/fd/1"},
       {"/dev/stderr", "/proc/self/fd/2"},
       {"/dev/ptmx", "pts/ptmx"}}};
  for (const auto& [name, points_at] : links)
    steps.push_back({.op = Op::symlink, .target = name, .source = points_at});
  steps.push_back({.op = Op::enter, .target = "/"});
  return steps;
}

// Where it can be a domain of its own that kill(-1) ends at.
KillBy kill_by(const Pod& pod, const RungRow& row) {
  const bool may_reach_others = row.kill == KillBy::everyone && row.namespaces == 0;
  return may_reach_others && pod.landlock_abi < kScopingAbi ? KillBy::descendants : row.kill;
}

std::vector<Filter> filters_of(const Pod& pod, const Spec& spec, const RungRow& row) {
  std::vector<Filter> filters = {Filter::payload};
  const bool same_numbers = row.ids == Ids::keep;  // payload and pilot: uid and pid namespace
  const bool supervised = !row.mounts && row.ids != Ids::set && pod.carries_out;
  if (same_numbers) filters.push_back(Filter::guard);
  if (same_numbers && !supervised) filters.push_back(Filter::no_numbers);
  // A tracer lets go on what was stopped to be killed.
  if (kill_by(pod, row) == KillBy::descendants) filters.push_back(Filter::no_trace);
  if (row.namespaces == 0 && spec.network == Network::none) filters.push_back(Filter::no_network);
  if (supervised) filters.push_back(same_numbers ? Filter::supervised : Filter::metadata);
  if (spec.fake_root) filters.push_back(Filter::fake_root);
  return filters;
}

}  // namespace

Result<Plan> make_plan(const Pod& pod, const Spec& spec) {
  TRY(check_spec(spec));
  Plan plan;
  plan.user = spec.user;
  plan.workspace = spec.workspace;
  plan.hostname = spec.hostname;
  plan.argv = spec.argv;
  plan.env = spec.env;
  plan.workdir = spec.workdir;
  plan.limits = spec.limits;
  plan.read_only_root = spec.read_only;
  plan.terminal = spec.terminal;
  const RungRow& row = row_of(pod.rung);
  plan.namespaces = row.namespaces;
  if (row.namespaces != 0 && spec.network == Network::none) plan.namespaces |= CLONE_NEWNET;
  plan.ids = row.ids;
  plan.filters = filters_of(pod, spec, row);
  // The kernel counts processes by uid: here those of the pilot as well.
  if (row.ids == Ids::keep) plan.limits.processes.reset();
  if (row.ids == Ids::keep) plan.user = {.uid = pod.uid, .gid = pod.gid, .groups = {}};
  if (row.ids == Ids::set) plan.user = {.uid = pod.job_id, .gid = pod.job_id, .groups = {}};
  if (row.ids == Ids::map && spec.user.uid == 0) plan.capabilities = kPayloadCapabilities;
  if (row.mounts) {
    plan.steps = userns_steps(spec);
    return plan;
  }
  plan.read_only_root = false;  // of a mount; here Landlock does it
  if (row.namespaces == 0 && !spec.hostname.empty())
    return Error{Fault::unsupported, "this pod allows no hostname of the job's own"};
  plan.kill = kill_by(pod, row);
  plan.own_domain = plan.kill == KillBy::everyone && plan.namespaces == 0;
  plan.steps = TRY(transplant_steps(pod.layout, spec));
  plan.reach = transplant_reach(pod.layout, spec);
  return plan;
}

std::string_view name(Op op) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"overlay", "proc", "bind", "bind_device", "tmpfs", "devpts", "mqueue", "symlink", "file",
       "cover", "read_only", "enter", "purge_ipc", "empty", "show", "live", "entries", "fill"});
  return kNames[static_cast<std::size_t>(op)];
}

std::string describe(const Plan& plan) {
  std::string out =
      fmt::format("clone {:#x}\nuser {}:{}\n", plan.namespaces, plan.user.uid, plan.user.gid);
  if (!plan.hostname.empty()) out += fmt::format("hostname {}\n", plan.hostname);
  for (const Step& step : plan.steps) {
    out += fmt::format("{} {}", name(step.op), step.target);
    if (!step.source.empty()) out += fmt::format(" from {}", printable(step.source));
    for (const std::string& source : step.sources)
      out += fmt::format(" {} {}", step.op == Op::file ? "with" : "layer", source);
    if (!step.options.empty()) out += fmt::format(" options {}", step.options);
    out += step.access == Access::read_only ? " ro\n" : " rw\n";
  }
  for (const std::string& path : plan.reach.read) out += fmt::format("reach {} ro\n", path);
  for (const std::string& path : plan.reach.write) out += fmt::format("reach {} rw\n", path);
  for (const std::string& path : plan.reach.devices) out += fmt::format("reach {} device\n", path);
  if (plan.read_only_root) out += "read-only root\n";
  out += fmt::format("capabilities {:#x}\nfilters", plan.capabilities);
  for (const Filter filter : plan.filters) out += fmt::format(" {}", name(filter));
  out += fmt::format("\nworkdir {}\nexec", plan.workdir);
  for (const std::string& word : plan.argv) out += fmt::format(" \"{}\"", printable(word));
  return out + "\n";
}

}  // namespace podpilot::sandbox
