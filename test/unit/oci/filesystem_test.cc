// SPDX-License-Identifier: Apache-2.0
#include "oci/store/filesystem.h"

#include <linux/magic.h>

#include <array>

#include "test/catch.h"

using podpilot::oci::filesystem_of;

TEST_CASE("locks are proven where one kernel alone has the files", "[oci][store]") {
  for (const auto magic :
       std::to_array<std::uint32_t>({EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                     TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC}))
    CHECK(filesystem_of(magic).is_local);
  for (const auto magic : std::to_array<std::uint32_t>(
           {NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC, V9FS_MAGIC,
            CEPH_SUPER_MAGIC, OCFS2_SUPER_MAGIC, AFS_SUPER_MAGIC, CODA_SUPER_MAGIC}))
    CHECK_FALSE(filesystem_of(magic).is_local);
}

TEST_CASE("a filesystem has a name for messages", "[oci][store]") {
  CHECK(filesystem_of(NFS_SUPER_MAGIC).name == "nfs");
  CHECK(filesystem_of(0x0bd00bd0).name == "lustre");
  CHECK(filesystem_of(0x12345678).name == "filesystem 0x12345678");
  CHECK_FALSE(filesystem_of(0x12345678).is_local);
}
