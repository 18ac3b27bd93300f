// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include "agent/doctor/diagnosis.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"
#include "sandbox/capabilities.h"
#include "sandbox/mountinfo.h"

namespace podpilot::agent {
namespace {

constexpr std::size_t kMaxText = 16 << 10;

// The first line; "" where it cannot be read.
std::string line_of(const char* path) {
  const Result<std::string> text = read_file(path, kMaxText);
  if (!text) return "";
  const std::string line = text->substr(0, text->find('\n'));
  return line.substr(0, line.find('\0'));  // SELinux' label ends in a NUL
}

}  // namespace

PodFacts look_at_pod() {
  PodFacts out;
  // PR_GET_SECCOMP is itself among what filters refuse.
  const Result<std::string> status = read_file("/proc/self/status", kMaxText);
  out.seccomp = status && status->find("\nSeccomp:\t2") != std::string::npos;
  out.lsm_label = line_of("/proc/self/attr/current");
  out.max_user_namespaces = line_of("/proc/sys/user/max_user_namespaces");
  out.unprivileged_userns_clone = line_of("/proc/sys/kernel/unprivileged_userns_clone");
  out.restrict_unprivileged_userns =
      line_of("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  utsname kernel{};
  if (::uname(&kernel) == 0) {
    const std::vector<std::string_view> parts = split(kernel.release, '.');
    if (parts.size() >= 2) {
      const auto number = [](std::string_view text) {
        return static_cast<int>(
            parse_number(text.substr(0, text.find_first_not_of("0123456789"))).value_or(0));
      };
      out.kernel_major = number(parts[0]);
      out.kernel_minor = number(parts[1]);
    }
  }
  if (const Result<std::uint64_t> capabilities = sandbox::effective_capabilities())
    out.capabilities = *capabilities;
  // As a runtime masks: mounts over parts of it. Any of them keeps a fresh one from being mounted,
  // but on folders that are always empty (mount_too_revealing() in the kernel's fs/namespace.c).
  if (const auto mounts = sandbox::read_mountinfo())
    for (const sandbox::Mount& mount : *mounts)
      if (mount.point.starts_with("/proc/") && mount.point != "/proc/sys/fs/binfmt_misc")
        out.masked_proc = true;
  return out;
}

}  // namespace podpilot::agent
