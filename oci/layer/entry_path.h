// SPDX-License-Identifier: Apache-2.0
// What the name of a tar entry means: where it goes, and whether it is a whiteout (OCI image-spec,
// layer.md#whiteouts).
#pragma once

#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace podpilot::oci {

// Without leading, doubled and trailing slashes, `.` and `..` taken away as text, as every other
// implementation does it; "" is the root. Fault::invalid above the root, for NUL, too deep, and
// for a component longer than a filesystem takes.
Result<std::string> clean_path(std::string_view name);

struct EntryName {
  enum class Kind {
    plain,
    whiteout,  // .wh.NAME: hides `path`
    opaque,    // .wh..wh..opq: hides what lower layers have in `path`
    ignored,   // other .wh..wh.*: aufs' own business
  };
  Kind kind = Kind::plain;
  std::string path;
};

// `path` is clean. Only the last component can make a whiteout.
Result<EntryName> parse_entry_name(std::string path);

// The folder part and the last component.
std::string_view parent_of(std::string_view path);
std::string_view base_of(std::string_view path);

}  // namespace podpilot::oci
