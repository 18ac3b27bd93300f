// SPDX-License-Identifier: Apache-2.0
#include "sandbox/plan_transplant.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

// Programs and libraries: what makes an image large, and what no job writes to.
constexpr std::array<std::string_view, 9> kShared = {
    "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "boot", "lost+found"};

// Emptied between jobs even where the layout says nothing of them.
constexpr std::array<const char*, 4> kCommon = {"/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp"};

constexpr std::array<const char*, 7> kDevices = {
    "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/pts"};

template <typename List>
bool contains(const List& list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

Error lacking(const Layout& layout, const std::string& name) {
  const std::string shown = printable(name);
  const std::string line =
      layout.live.empty()
          ? fmt::format(
                "to the pod's volumeMounts: {{name: pod, mountPath: /{0}, subPath: live/{0}}}",
                shown)
          : fmt::format("to the pilot's image: RUN ln -s {0}/{1} /{1}", layout.live, shown);
  return {Fault::unsupported,
          fmt::format("the image has /{}, which this pod's root cannot show; add {}", shown, line)};
}

// Shared with the cache.
bool is_fixed(std::string_view name, const Spec& spec) {
  return is_shared(name) && !spec.writable_image;
}

// Where the payload finds what is live.
std::string shown(const Layout& layout, const Spec& spec) {
  return layout.live.empty() ? spec.root : layout.live;
}

// Every name that must be seen at the top: the image's, and those that the job adds.
std::vector<std::string> wanted_names(const Spec& spec) {
  std::vector<std::string> names;
  const auto want = [&](const std::string& name) {
    if (!contains(kNotShown, name) && !contains(names, name)) names.push_back(name);
  };
  for (const std::string& name : spec.root_names) want(name);
  for (const BindMount& bind : spec.binds)
    if (bind.source != bind.target) want(top_name(bind.target));
  for (const TmpfsMount& tmpfs : spec.tmpfs) want(top_name(tmpfs.target));
  return names;
}

}  // namespace

bool is_shared(std::string_view top_level_name) {
  return contains(kShared, top_level_name);
}

Result<void> can_show(const Layout& layout, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (!layout.find(name)) return lacking(layout, name);
  return {};
}

Result<std::vector<Step>> transplant_steps(const Layout& layout, const Spec& spec) {
  std::vector<Step> steps = {{.op = Op::purge_ipc, .access = Access::read_write}};
  for (const char* folder : kCommon)
    steps.push_back({.op = Op::empty, .target = folder, .access = Access::read_write});
  const std::vector<std::string> wanted = wanted_names(spec);
  TRY(can_show(layout, wanted));
  for (const BindMount& bind : spec.binds) {
    if (bind.source == bind.target) continue;  // it is there as it is
    if (top_name(bind.target) == "tmp" || is_fixed(top_name(bind.target), spec))
      return Error{Fault::unsupported,
                   fmt::format("\"{}\": in this pod nothing can be shown below /{}", bind.target,
                               top_name(bind.target))};
    steps.push_back({.op = Op::show,
                     .target = bind.target,
                     .source = bind.source,
                     .access = bind.access,
                     .sources = {spec.root}});
  }
  for (const TmpfsMount& tmpfs : spec.tmpfs)
    if (top_name(tmpfs.target) != "tmp")
      steps.push_back({.op = Op::show,
                       .target = tmpfs.target,
                       .access = Access::read_write,
                       .sources = {spec.root}});
  if (!layout.live.empty())
    steps.push_back({.op = Op::live, .target = layout.live, .source = spec.root});
  for (const TopLevel& name : layout.names) {
    if (name.place == Place::linked || contains(kNotShown, name.name)) continue;
    const bool filled = name.place == Place::filled;
    const std::string folder = filled ? name.alias : "/" + name.name;
    const std::string from = filled ? spec.root : shown(layout, spec);
    const bool there = contains(wanted, name.name);
    steps.push_back({.op = !there   ? Op::empty
                           : filled ? Op::fill
                                    : Op::entries,
                     .target = folder,
                     .source = from + "/" + name.name,
                     .options = filled ? std::string(kWholeFolder) : "",
                     .access = Access::read_write});
  }
  return steps;
}

Reach transplant_reach(const Layout& layout, const Spec& spec) {
  Reach reach;
  reach.read = {"/sys"};
  for (const std::string_view file : kPodFiles) reach.read.emplace_back(file);
  reach.write = {"/proc", "/dev/shm", "/dev/mqueue", "/tmp"};
  for (const char* device : kDevices) reach.devices.emplace_back(device);
  reach.devices.insert(reach.devices.end(), spec.devices.begin(), spec.devices.end());
  for (const std::string& name : wanted_names(spec)) {
    const bool closed = is_fixed(name, spec) || spec.read_only;
    std::vector<std::string>& list = closed ? reach.read : reach.write;
    list.push_back(spec.root + "/" + name);
    const TopLevel* top = layout.find(name);
    // A folder with a mount in it may hold the pod's secrets: only the entries are in reach.
    if (top && top->place != Place::linked && !top->holds_mounts) list.push_back("/" + name);
  }
  for (const BindMount& bind : spec.binds)
    (bind.access == Access::read_only ? reach.read : reach.write).push_back(bind.source);
  return reach;
}

}  // namespace podpilot::sandbox
