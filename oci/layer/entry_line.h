// SPDX-License-Identifier: Apache-2.0
// What of a tar entry goes into the index, and what of that goes to disk.
#pragma once

#include "oci/layer/layer_disk.h"
#include "oci/layer/layer_index.h"
#include "oci/layer/tar_reader.h"

namespace podpilot::oci {

inline constexpr std::uint64_t kDiskBlock = 4096;  // as most filesystems count

LayerEntry line_of(const TarEntry& entry, LayerEntry::Type type);
Xattrs kept_xattrs(const TarEntry& entry);

mode_t stored_mode(const LayerEntry& line);
FileTime time_of(const LayerEntry& line);
bool is_on_disk(LayerEntry::Type type);

}  // namespace podpilot::oci
