// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/entry_line.h"

#include <algorithm>

namespace podpilot::oci {

using Type = LayerEntry::Type;

LayerEntry line_of(const TarEntry& entry, Type type) {
  LayerEntry line;
  line.type = type;
  line.mode = static_cast<std::uint16_t>(entry.mode);
  line.uid = entry.uid;
  line.gid = entry.gid;
  line.size = type == Type::file ? entry.size : 0;
  line.mtime = entry.mtime;
  line.mtime_nsec = entry.mtime_nsec;
  line.capability = std::ranges::any_of(
      entry.xattrs, [](const auto& xattr) { return xattr.first == "security.capability"; });
  return line;
}

Xattrs kept_xattrs(const TarEntry& entry) {
  Xattrs kept;
  for (const auto& xattr : entry.xattrs)
    if (is_kept_xattr(xattr.first)) kept.push_back(xattr);
  return kept;
}

mode_t stored_mode(const LayerEntry& line) {
  return line.type == Type::folder ? stored_folder_mode(line.mode) : stored_file_mode(line.mode);
}
FileTime time_of(const LayerEntry& line) {
  return {line.mtime, line.mtime_nsec};
}

bool is_on_disk(Type type) {
  return type != Type::skipped && type != Type::pending_link;
}

}  // namespace podpilot::oci
