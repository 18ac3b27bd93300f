// SPDX-License-Identifier: Apache-2.0
#include "sandbox/spec_check.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>

#include "sandbox/base/text.h"

namespace podpilot::sandbox {
namespace {

// Folders and links that the sandbox makes below /dev itself.
constexpr std::array kOwnDevices = {"/dev/pts", "/dev/shm",   "/dev/mqueue", "/dev/ptmx",
                                    "/dev/fd",  "/dev/stdin", "/dev/stdout", "/dev/stderr"};

bool is_normal(std::string_view path) {
  if (path.size() < 2 || path[0] != '/') return false;
  for (const std::string_view part : split(path.substr(1), '/'))
    if (part.empty() || part == "." || part == "..") return false;
  return true;
}

bool is_at_or_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

Result<void> check_target(const std::string& target) {
  if (!is_normal(target))
    return Error{Fault::invalid, fmt::format("mount target \"{}\": must be absolute and without "
                                             "\".\", \"..\" or double slashes",
                                             printable(target))};
  for (const std::string_view reserved : {"/proc", "/sys", "/dev"})
    if (is_at_or_below(target, reserved))
      return Error{Fault::invalid,
                   fmt::format("mount target \"{}\": {} is the sandbox's own", target, reserved)};
  return {};
}

Result<void> check_device(const std::string& device) {
  if (!is_normal(device) || !device.starts_with("/dev/"))
    return Error{Fault::invalid,
                 fmt::format("device \"{}\": must be a path below /dev, without \".\", \"..\" or "
                             "double slashes",
                             printable(device))};
  for (const char* own : kOwnDevices)
    if (is_at_or_below(device, own))
      return Error{Fault::invalid,
                   fmt::format("device \"{}\": {} is the sandbox's own", printable(device), own)};
  return {};
}

// RFC 1123: letters, digits and inner hyphens between dots; the kernel takes 64 bytes (utsname).
Result<void> check_hostname(const std::string& name) {
  constexpr std::size_t kMaxName = 64;
  constexpr std::size_t kMaxLabel = 63;
  const auto is_good = [](std::string_view label) {
    return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' &&
           label.back() != '-' && std::all_of(label.begin(), label.end(), [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-';
           });
  };
  const std::vector<std::string_view> labels = split(name, '.');
  if (name.size() <= kMaxName && std::all_of(labels.begin(), labels.end(), is_good)) return {};
  return Error{Fault::invalid,
               fmt::format("hostname \"{}\": must be letters, digits and hyphens between dots, at "
                           "most {} in all",
                           printable(name), kMaxName)};
}

Result<void> check_source(std::string_view what, const std::string& path) {
  if (path.starts_with('/')) return {};
  return Error{Fault::invalid, fmt::format("{} \"{}\": must be absolute", what, printable(path))};
}

// The kernel would see such a string end early: another path than the one that was judged.
bool has_nul(const std::string& s) {
  return s.find('\0') != std::string::npos;
}

bool has_nul(const Spec& spec) {
  const auto any = [](const auto& strings) {
    return std::any_of(strings.begin(), strings.end(),
                       [](const std::string& s) { return has_nul(s); });
  };
  if (any(spec.layers) || any(spec.argv) || any(spec.env) || any(spec.devices)) return true;
  if (has_nul(spec.workspace) || has_nul(spec.workdir)) return true;
  for (const BindMount& bind : spec.binds)
    if (has_nul(bind.source) || has_nul(bind.target)) return true;
  for (const TmpfsMount& tmpfs : spec.tmpfs)
    if (has_nul(tmpfs.target)) return true;
  return false;
}

}  // namespace

Result<void> check_spec(const Spec& spec) {
  if (has_nul(spec))
    return Error{Fault::invalid, "a NUL byte in a path, the command or its environment"};
  if (spec.layers.empty()) return Error{Fault::invalid, "the image has no layer"};
  if (spec.argv.empty() || spec.argv[0].empty())
    return Error{Fault::invalid, "no command: the image has none and none was given"};
  for (const std::string& layer : spec.layers) TRY(check_source("layer", layer));
  TRY(check_source("workspace", spec.workspace));
  TRY(check_source("working folder", spec.workdir));
  for (const BindMount& bind : spec.binds) {
    TRY(check_target(bind.target));
    TRY(check_source("bind source", bind.source));
  }
  for (const TmpfsMount& tmpfs : spec.tmpfs) TRY(check_target(tmpfs.target));
  for (const std::string& device : spec.devices) TRY(check_device(device));
  if (!spec.hostname.empty()) TRY(check_hostname(spec.hostname));
  return {};
}

}  // namespace podpilot::sandbox
