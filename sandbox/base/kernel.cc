// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/kernel.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"

namespace podpilot {
namespace {

struct Call {
  const char* name;
  long number;
  const char* kernel;
};

constexpr std::array kNeeded = {Call{"openat2", SYS_openat2, "5.6"},
                                Call{"pidfd_open", SYS_pidfd_open, "5.3"},
                                Call{"pidfd_send_signal", SYS_pidfd_send_signal, "5.1"}};

}  // namespace

Result<void> check_kernel() {
  for (const Call& call : kNeeded) {
    // Each of them answers EINVAL or EBADF to these, whatever the caller may do.
    if (::syscall(call.number, -1, 0, nullptr, 0) >= 0) continue;
    if (errno != ENOSYS && errno != EPERM) continue;
    return Error{Fault::unsupported,
                 fmt::format("{}: {}: it needs Linux {} or newer, and a seccomp profile that "
                             "allows it",
                             call.name, errno_name(errno), call.kernel)};
  }
  return {};
}

std::string boot_id() {
  Result<std::string> text = read_file("/proc/sys/kernel/random/boot_id", 128);
  if (!text) return "";
  while (text->ends_with('\n')) text->pop_back();
  // It becomes a part of names and of an index line.
  const bool plain = text->find_first_not_of("0123456789abcdef-") == std::string::npos;
  return plain ? *std::move(text) : "";
}

}  // namespace podpilot
