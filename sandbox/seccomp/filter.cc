// SPDX-License-Identifier: Apache-2.0
#include "sandbox/seccomp/filter.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/base/errno.h"

namespace podpilot::sandbox {
namespace {

// Arrays of sock_filter, written by compile.cc.
#include "sandbox/seccomp/filter.inc"

Result<void> load(std::span<const sock_filter> program) {
  sock_fprog prog{static_cast<unsigned short>(program.size()),
                  const_cast<sock_filter*>(program.data())};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
    return sys_error("load seccomp filter");
  return {};
}

Result<void> load(Filter filter) {
  switch (filter) {
    case Filter::payload:
      // Arguments first: the list of calls lets neither prctl's nor seccomp's users load less.
      TRY(load(kArguments));
      return load(kSyscalls);
    case Filter::guard:
      return load(kGuard);
    case Filter::no_network:
      return load(kNoNetwork);
    case Filter::fake_root:
      return load(kFakeRoot);
  }
  return Error{Fault::internal, "unknown filter"};
}

}  // namespace

std::string_view name(Filter filter) {
  switch (filter) {
    case Filter::payload:
      return "payload";
    case Filter::guard:
      return "guard";
    case Filter::no_network:
      return "no_network";
    case Filter::fake_root:
      return "fake_root";
  }
  return "?";
}

Result<void> load_filters(std::span<const Filter> filters) {
  for (const Filter filter : filters)
    TRY(load(filter).within(fmt::format("filter {}", name(filter))));
  return {};
}

}  // namespace podpilot::sandbox
