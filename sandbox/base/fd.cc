// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/fd.h"

#include <fcntl.h>

#include "sandbox/base/errno.h"

namespace podpilot {

Result<UniqueFd> duplicate(BorrowedFd fd) {
  UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return sys_error("dup");
  return copy;
}

}  // namespace podpilot
