// SPDX-License-Identifier: Apache-2.0
// LayerBuilder: from what happened to the lines of the index.
#include <string>

#include "oci/layer/layer_builder.h"

namespace podpilot::oci {

using Type = LayerEntry::Type;

bool LayerBuilder::counts(std::size_t event) const {
  const Event& e = events_[event];
  if (!tree_[e.node].alive) return false;
  const bool marker = e.entry.type == Type::whiteout || e.entry.type == Type::opaque;
  return marker || tree_[e.node].value == event;
}

Result<void> LayerBuilder::write_index(BorrowedFd file, std::string_view boot) const {
  LayerIndexWriter writer(file, boot);
  // Of several names of one inode the first that is left has the line that describes it: by the
  // inode's first event.
  SpillVector<NodeId> described(memory_);
  described.append(events_.size(), kNoNode);
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if (!counts(i)) continue;
    const Event& event = events_[i];
    LayerEntry line = event.entry;
    std::string path = tree_.path(event.node);
    std::string target;
    const bool marker = line.type == Type::whiteout || line.type == Type::opaque;
    if (line.type == Type::whiteout) {
      path += (path.empty() ? "" : "/") + std::string(line.target);
    } else if (!marker) {
      NodeId& first = described[event.primary];
      if (first == kNoNode) {
        line = events_[event.primary].entry;
        first = event.node;
      } else {
        line.type = Type::hard_link;
        target = tree_.path(first);
        line.target = target;
      }
    }
    line.path = path;
    TRY(writer.add(line));
  }
  return writer.finish(disk_bytes_);
}

}  // namespace podpilot::oci
