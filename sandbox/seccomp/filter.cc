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

// linux/seccomp.h, Linux 5.19: signals do not interrupt a call that is being carried out.
constexpr unsigned kWaitKillable = 1U << 5;

Result<UniqueFd> load(std::span<const sock_filter> program, unsigned flags = 0) {
  sock_fprog prog{static_cast<unsigned short>(program.size()),
                  const_cast<sock_filter*>(program.data())};
  const long fd = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
  if (fd < 0) return sys_error("load seccomp filter");
  return (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) ? UniqueFd(static_cast<int>(fd)) : UniqueFd();
}

Result<UniqueFd> load_with_listener(std::span<const sock_filter> program) {
  Result<UniqueFd> listener = load(program, SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable);
  if (!listener) listener = load(program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  return listener;
}

Result<UniqueFd> load(Filter filter) {
  switch (filter) {
    case Filter::payload:
      // Arguments first: the list of calls lets neither prctl's nor seccomp's users load less.
      TRY(load(kArguments));
      return load(kSyscalls);
    case Filter::guard:
      return load(kGuard);
    case Filter::no_numbers:
      return load(kNoNumbers);
    case Filter::no_trace:
      return load(kNoTrace);
    case Filter::no_network:
      return load(kNoNetwork);
    case Filter::metadata:
      return load_with_listener(kMetadata);
    case Filter::supervised:
      return load_with_listener(kSupervised);
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
    case Filter::no_numbers:
      return "no_numbers";
    case Filter::no_trace:
      return "no_trace";
    case Filter::no_network:
      return "no_network";
    case Filter::metadata:
      return "metadata";
    case Filter::supervised:
      return "supervised";
    case Filter::fake_root:
      return "fake_root";
  }
  return "?";
}

Result<UniqueFd> load_filters(std::span<const Filter> filters) {
  UniqueFd listener;
  for (const Filter filter : filters) {
    UniqueFd fd = TRY(load(filter).within(fmt::format("filter {}", name(filter))));
    if (fd) listener = std::move(fd);
  }
  return listener;
}

}  // namespace podpilot::sandbox
