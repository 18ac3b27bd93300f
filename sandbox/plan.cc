// SPDX-License-Identifier: Apache-2.0
#include "sandbox/plan.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>

#include "sandbox/base/text.h"
#include "sandbox/capabilities.h"
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

// The pod's names for itself and for the world; the image's own are of another machine.
constexpr std::string_view kHostnameFile = "/etc/hostname";
constexpr std::array<std::string_view, 3> kPodFiles = {"/etc/resolv.conf", "/etc/hosts",
                                                       kHostnameFile};

// Before it fetches anything apt changes to a user of its own and looks whether it is that now.
constexpr const char* kAptFile = "/etc/apt/apt.conf.d/zz-podpilot-fake-root";
constexpr const char* kAptText = "APT::Sandbox::User \"root\";\n";

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

std::string_view name(Op op) {
  switch (op) {
    case Op::overlay:
      return "overlay";
    case Op::proc:
      return "proc";
    case Op::bind:
      return "bind";
    case Op::bind_device:
      return "bind_device";
    case Op::tmpfs:
      return "tmpfs";
    case Op::devpts:
      return "devpts";
    case Op::mqueue:
      return "mqueue";
    case Op::symlink:
      return "symlink";
    case Op::file:
      return "file";
    case Op::cover:
      return "cover";
    case Op::read_only:
      return "read_only";
    case Op::enter:
      return "enter";
  }
  return "?";
}

}  // namespace

Result<Plan> plan_userns(const Spec& spec) {
  TRY(check_spec(spec));
  Plan plan;
  plan.namespaces = kNamespaces;
  if (spec.network == Network::none) plan.namespaces |= CLONE_NEWNET;
  TRY(check_namespaces(spec, plan.namespaces));
  plan.user = spec.user;
  plan.workspace = spec.workspace;
  plan.hostname = spec.hostname;
  plan.steps = userns_steps(spec);
  plan.argv = spec.argv;
  plan.env = spec.env;
  plan.workdir = spec.workdir;
  plan.capabilities = spec.user.uid == 0 ? kPayloadCapabilities : 0;
  plan.filters = filters_for(spec, plan.namespaces);
  plan.limits = spec.limits;
  plan.read_only_root = spec.read_only;
  plan.terminal = spec.terminal;
  return plan;
}

std::vector<Filter> filters_for(const Spec& spec, std::uint64_t namespaces) {
  std::vector<Filter> filters = {Filter::payload};
  if (spec.network == Network::none && !(namespaces & CLONE_NEWNET))
    filters.push_back(Filter::no_network);
  if (spec.fake_root) filters.push_back(Filter::fake_root);
  return filters;
}

std::string describe(const Plan& plan) {
  std::string out =
      fmt::format("clone {:#x}\nuser {}:{}\n", plan.namespaces, plan.user.uid, plan.user.gid);
  if (!plan.hostname.empty()) out += fmt::format("hostname {}\n", plan.hostname);
  for (const Step& step : plan.steps) {
    out += fmt::format("{} {}", name(step.op), step.target);
    if (!step.source.empty()) out += fmt::format(" from {}", printable(step.source));
    for (const std::string& source : step.sources) out += fmt::format(" layer {}", source);
    if (!step.options.empty()) out += fmt::format(" options {}", step.options);
    out += step.access == Access::read_only ? " ro\n" : " rw\n";
  }
  if (plan.read_only_root) out += "read-only root\n";
  out += fmt::format("capabilities {:#x}\nfilters", plan.capabilities);
  for (const Filter filter : plan.filters) out += fmt::format(" {}", name(filter));
  out += fmt::format("\nworkdir {}\nexec", plan.workdir);
  for (const std::string& word : plan.argv) out += fmt::format(" \"{}\"", printable(word));
  return out + "\n";
}

}  // namespace podpilot::sandbox
