// SPDX-License-Identifier: Apache-2.0
#include "sandbox/bind_mount.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <string>
#include <tuple>
#include <vector>

#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"
#include "sandbox/mountinfo.h"

namespace podpilot::sandbox {
namespace {

// Not there, or refused by a filter that knows the older calls only.
bool worth_another_way(const Error& error) {
  return error.fault == Fault::unsupported || error.fault == Fault::denied;
}

Result<void> bind_detached(BorrowedFd source, BorrowedFd target, Depth depth, std::uint64_t flags) {
  const unsigned recursive = depth == Depth::tree ? AT_RECURSIVE : 0;
  const UniqueFd tree(::open_tree(source.get(), "",
                                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive));
  if (!tree) return sys_error("open_tree");
  mount_attr attr{};
  attr.attr_set = flags;
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) != 0)
    return sys_error("mount_setattr");
  if (::move_mount(tree.get(), "", target.get(), "",
                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    return sys_error("move_mount");
  return {};
}

// MS_REMOUNT sets all flags anew, but for those of access times, which stay when none is given.
Result<void> remount(const char* path, std::uint64_t flags) {
  struct statvfs now{};
  if (::statvfs(path, &now) != 0) return sys_error(fmt::format("statvfs {}", path));
  constexpr std::array<std::tuple<unsigned long, std::uint64_t, unsigned long>, 4> kFlags = {
      {{ST_RDONLY, MOUNT_ATTR_RDONLY, MS_RDONLY},
       {ST_NOSUID, MOUNT_ATTR_NOSUID, MS_NOSUID},
       {ST_NODEV, MOUNT_ATTR_NODEV, MS_NODEV},
       {ST_NOEXEC, MOUNT_ATTR_NOEXEC, MS_NOEXEC}}};
  unsigned long wanted = MS_REMOUNT | MS_BIND;
  for (const auto& [is, attribute, flag] : kFlags)
    if ((now.f_flag & is) || (flags & attribute)) wanted |= flag;
  if (::mount(nullptr, path, nullptr, wanted, nullptr) != 0)
    return sys_error(fmt::format("remount {}", path));
  return {};
}

Result<std::string> path_of(BorrowedFd fd) {
  return read_link_at(BorrowedFd(AT_FDCWD), fd_path(fd));
}

Result<void> bind_and_remount(BorrowedFd source, BorrowedFd target, Depth depth,
                              std::uint64_t flags) {
  const unsigned long recursive = depth == Depth::tree ? MS_REC : 0;
  if (::mount(fd_path(source).c_str(), fd_path(target).c_str(), nullptr, MS_BIND | recursive,
              nullptr) != 0)
    return sys_error("mount");
  const std::string point = TRY(path_of(target));  // the descriptor itself stays below the mount
  const std::vector<Mount> mounts = TRY(read_mountinfo());
  for (const Mount& mount : mounts)
    if (mount.point == point || mount.point.starts_with(point + "/"))
      TRY(remount(mount.point.c_str(), flags));
  return {};
}

}  // namespace

Result<void> bind_mount(BorrowedFd source, BorrowedFd target, Depth depth, std::uint64_t flags) {
  Result<void> bound = bind_detached(source, target, depth, flags);
  if (bound || !worth_another_way(bound.error())) return bound;
  return bind_and_remount(source, target, depth, flags);
}

Result<void> restrict_mount(const char* path, std::uint64_t flags) {
  mount_attr attr{};
  attr.attr_set = flags;
  if (::mount_setattr(AT_FDCWD, path, 0, &attr, sizeof attr) == 0) return {};
  const Error refused = sys_error("mount_setattr");
  if (!worth_another_way(refused)) return refused;
  return remount(path, flags);
}

}  // namespace podpilot::sandbox
