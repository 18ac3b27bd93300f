// SPDX-License-Identifier: Apache-2.0
// On which filesystems flock(2) holds for everybody who can see the files. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace podpilot::oci {

// By statfs(2)'s f_type. One that only ever has one kernel at a time at its files is local: there
// flock is that kernel's own. On all others a lock may hold on one node alone (fuse, 9p, cifs, nfs
// with local_lock, lustre with localflock, beegfs by default), or fail, and nobody can tell from
// here: they are not proven, as is what is not known.
struct Filesystem {
  std::string name;  // as in mount(8), or its number
  bool is_local = false;
};

Filesystem filesystem_of(std::uint32_t magic);

}  // namespace podpilot::oci
