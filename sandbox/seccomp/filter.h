// SPDX-License-Identifier: Apache-2.0
// The payload's system call filters. Compiled when podpilot is built (compile.cc): loading an
// embedded program takes 0.2 ms, building it with libseccomp at run time 1 to 10.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::sandbox {

// They stack: of what several say to one call the most restrictive counts, and of two errnos that
// of the filter loaded last (seccomp(2)). So fake_root comes last, or its success would be a
// refusal.
enum class Filter : std::uint8_t {
  payload,     // always: the list of calls, no namespaces, no typing into terminals
  guard,       // where payload and pilot share uid and pid namespace: no reach into other processes
  no_numbers,  // no limits, priorities and processors of threads by number, even the caller's own
  no_trace,    // no ptrace(2) and its like, even among the payload's own processes
  no_network,  // where there is no network namespace: AF_UNIX sockets only, others EACCES
  metadata,    // calls that change modes, owners, times and attributes wait for a supervisor
  supervised,  // those, and what `no_numbers` would refuse
  fake_root,   // chown, set*id, setgroups, capset, mknod of devices answer 0 and do nothing
};

std::string_view name(Filter filter);

// For the calling thread and all it starts, for good, in this order. The caller has set
// no_new_privs. With Filter::metadata or supervised among them a descriptor comes back through
// which its calls are answered (call_service.h).
Result<UniqueFd> load_filters(std::span<const Filter> filters);

}  // namespace podpilot::sandbox
