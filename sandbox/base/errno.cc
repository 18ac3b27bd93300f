// SPDX-License-Identifier: Apache-2.0
#include "sandbox/base/errno.h"

#include <fmt/format.h>

#include <cstring>

namespace podpilot {

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::transient:
      return "transient";
    case Fault::not_found:
      return "not_found";
    case Fault::denied:
      return "denied";
    case Fault::unsupported:
      return "unsupported";
    case Fault::exhausted:
      return "exhausted";
    case Fault::corrupt:
      return "corrupt";
    case Fault::invalid:
      return "invalid";
    case Fault::internal:
      return "internal";
  }
  return "internal";
}

Fault fault_of_errno(int err) {
  switch (err) {
    case EAGAIN:
    case EINTR:
    case EBUSY:
    case ETIMEDOUT:
    case ECONNREFUSED:
    case ECONNRESET:
    case ENETUNREACH:
    case EHOSTUNREACH:
      return Fault::transient;
    case ENOENT:
    case ESRCH:
      return Fault::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Fault::denied;
    case ENOSYS:
    case EOPNOTSUPP:
    case ENODEV:
      return Fault::unsupported;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EFBIG:
      return Fault::exhausted;
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case ELOOP:
      return Fault::invalid;
    default:
      return Fault::internal;
  }
}

std::string errno_name(int err) {
  const char* name = strerrorname_np(err);
  return name ? std::string(name) : fmt::format("errno {}", err);
}

Error sys_error(std::string_view what, int err) {
  const char* meaning = strerrordesc_np(err);
  return {fault_of_errno(err),
          fmt::format("{}: {} ({})", what, errno_name(err), meaning ? meaning : "unknown")};
}

}  // namespace podpilot
