// SPDX-License-Identifier: Apache-2.0
#include "oci/http/redirect.h"

#include <fmt/format.h>

namespace podpilot::oci::http {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<Url> redirect_target(const Url& from, std::string_view location) {
  const std::string where = from.origin() + ": its redirect is not followed";
  const auto refused = [&](std::string_view why) {
    return Error{Fault::denied, fmt::format("{}: {}", where, why)};
  };
  if (location.empty()) return refused("it has no Location");
  Url target = TRY(from.resolve(location).within(where));
  if (from.secure() && !target.secure())
    return refused(fmt::format("it leads from https to {}", target.origin()));
  if (is_metadata(target.host()))
    return refused(fmt::format("{} is a link-local or metadata address", target.origin()));
  if (is_loopback(target.host()) && !is_loopback(from.host()))
    return refused(fmt::format("{} is this machine", target.origin()));
  return target;
}

}  // namespace podpilot::oci::http
