// SPDX-License-Identifier: Apache-2.0
#include "sandbox/seccomp/filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <iterator>

#include "sandbox/base/errno.h"

namespace podpilot::sandbox {
namespace {

// kArguments and kSyscalls: arrays of sock_filter, written by compile.cc.
#include "sandbox/seccomp/filter.inc"

Result<void> load(const sock_filter* program, std::size_t length) {
  sock_fprog prog{static_cast<unsigned short>(length), const_cast<sock_filter*>(program)};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
    return sys_error("load seccomp filter");
  return {};
}

}  // namespace

Result<void> load_payload_filter() {
  // Arguments first: the list of calls lets neither prctl's nor seccomp's users load less.
  TRY(load(kArguments, std::size(kArguments)));
  return load(kSyscalls, std::size(kSyscalls));
}

}  // namespace podpilot::sandbox
