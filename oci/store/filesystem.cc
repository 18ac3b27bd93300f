// SPDX-License-Identifier: Apache-2.0
#include "oci/store/filesystem.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace podpilot::oci {
namespace {

struct Row {
  std::uint32_t magic;
  std::string_view name;
  bool is_local;
};

// Numbers: linux/magic.h, and where it lacks one the filesystem's own source.
constexpr auto kRows = std::to_array<Row>({
    {0x0000ef53, "ext4", true},    {0x58465342, "xfs", true},      {0x9123683e, "btrfs", true},
    {0x01021994, "tmpfs", true},   {0x858458f6, "ramfs", true},    {0x794c7630, "overlay", true},
    {0xf2f52010, "f2fs", true},    {0x2fc12fc1, "zfs", true},      {0xca451a4e, "bcachefs", true},
    {0x3153464a, "jfs", true},     {0x52654973, "reiserfs", true}, {0x00003434, "nilfs2", true},
    {0x24051905, "ubifs", true},   {0xe0f5e1e2, "erofs", true},    {0x73717368, "squashfs", true},
    {0x61756673, "aufs", true},    {0x0000f15f, "ecryptfs", true}, {0x00006969, "nfs", false},
    {0xff534d42, "cifs", false},   {0xfe534d42, "smb3", false},    {0x0000517b, "smb", false},
    {0x65735546, "fuse", false},   {0x01021997, "9p", false},      {0x00c36400, "ceph", false},
    {0x0bd00bd0, "lustre", false}, {0x19830326, "beegfs", false},  {0x47504653, "gpfs", false},
    {0x7461636f, "ocfs2", false},  {0x01161970, "gfs2", false},    {0x5346414f, "afs", false},
    {0x6b414653, "kafs", false},   {0x73757245, "coda", false},    {0x20030528, "orangefs", false},
    {0xaad7aaea, "panfs", false},  {0x786f4256, "vboxsf", false},  {0xbacbacbc, "vmhgfs", false},
});

}  // namespace

Filesystem filesystem_of(std::uint32_t magic) {
  const auto* row = std::ranges::find(kRows, magic, &Row::magic);
  if (row == kRows.end()) return {.name = fmt::format("filesystem {:#x}", magic)};
  return {.name = std::string(row->name), .is_local = row->is_local};
}

}  // namespace podpilot::oci
