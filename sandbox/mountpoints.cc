// SPDX-License-Identifier: Apache-2.0
#include "sandbox/mountpoints.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "sandbox/base/errno.h"
#include "sandbox/base/path.h"

namespace podpilot::sandbox {
namespace {

Result<DirFd> make_open_folder(BorrowedFd parent, const char* name) {
  DirFd folder = TRY(make_dir_at(parent, name, 0755));
  if (::fchmod(folder.get(), 0755) != 0) return sys_error("chmod");  // mkdir's is cut by the umask
  return folder;
}

}  // namespace

Result<void> make_mountpoint_layer(BorrowedFd folder) {
  for (const char* name : {"proc", "sys", "dev"}) TRY(make_open_folder(folder, name));
  const DirFd etc = TRY(make_open_folder(folder, "etc"));
  for (const char* name : {"resolv.conf", "hosts", "hostname"}) {
    const UniqueFd file(
        ::openat(etc.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file) return sys_error(fmt::format("create etc/{}", name));
  }
  return {};
}

}  // namespace podpilot::sandbox
