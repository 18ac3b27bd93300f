// SPDX-License-Identifier: Apache-2.0
// Ids of a user namespace (user_namespaces(7)).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sandbox/base/result.h"
#include "sandbox/spec.h"

namespace podpilot::sandbox {

// Maps the one uid and gid of the pilot (`outer_*`) to the ones that the payload shall have. Called
// by the first process of the new namespace itself: for a single id the kernel lets the owner do
// it (with setgroups denied, user_namespaces(7)), which saves a round trip to the parent.
// Everything that the pilot owns then seems to belong to `inner`; other ids do not exist inside.
Result<void> map_single_id(const Identity& inner, uid_t outer_uid, gid_t outer_gid);

// The n-th id for a job's own use, on the rung `transplant_setuid`: mapped in this user namespace,
// above what images and distributions give out; they come round after some ten thousand.
// Fault::unsupported where only a few ids are mapped.
Result<std::uint32_t> job_id(std::uint64_t n);
// Whether job_id() gives this one.
bool is_job_id(std::uint32_t id);

}  // namespace podpilot::sandbox
