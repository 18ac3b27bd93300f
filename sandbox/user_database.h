// SPDX-License-Identifier: Apache-2.0
// Who the payload is: an image's User ("1000", "app", "app:staff", "0:0") looked up in the image's
// own /etc/passwd and /etc/group (passwd(5), group(5)) by our own parser. libc's would load NSS
// modules of the pod; those of hostile images have brought down runtimes (CVE-2024-40635,
// CVE-2026-47262: overflowing ids, endless group files), so every size has a limit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/result.h"
#include "sandbox/spec.h"

namespace podpilot::sandbox {

struct User {
  Identity identity;
  std::string home = "/";  // of passwd; "/" where it has no entry
};

// Pure. A name that passwd or group does not have is Fault::not_found; an id that does not fit
// into 32 bits, or is the kernel's "no id" (2^32-1), is Fault::invalid. "" is root.
Result<User> find_user(std::string_view wanted, std::string_view passwd, std::string_view group);

// Reads both files from the layers (bottom first, overlayfs' format) as the mounted tree would
// show them; a file that is missing, a symlink or too large counts as empty.
Result<User> find_user_in_layers(std::string_view wanted, const std::vector<std::string>& layers);

}  // namespace podpilot::sandbox
