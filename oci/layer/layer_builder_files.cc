// SPDX-License-Identifier: Apache-2.0
// LayerBuilder: what is no folder.
#include <fmt/format.h>
#include <unistd.h>

#include "oci/layer/crc.h"
#include "oci/layer/entry_line.h"
#include "oci/layer/entry_path.h"
#include "oci/layer/layer_builder.h"
#include "sandbox/base/errno.h"
#include "sandbox/base/io.h"
#include "sandbox/base/text.h"

namespace podpilot::oci {

using Kind = FileTree::Kind;
using Type = LayerEntry::Type;

Result<void> LayerBuilder::add_file(const TarEntry& entry, Place place, TarReader& tar) {
  TRY(clear(place));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  LayerEntry line = line_of(entry, Type::file);
  const Xattrs kept = kept_xattrs(entry);
  line.xattrs = !kept.empty();
  const NodeId node = record(place, Kind::other, line);
  const LayerDisk::NewFile file =
      TRY(disk_.create_file(parent, tree_[node].name.data(), stored_mode(line), kept));
  TRY(copy_content(entry, tar, file, events_.back().entry));
  return disk_.finish_file(file, stored_mode(line), time_of(line));
}

Result<void> LayerBuilder::copy_content(const TarEntry& entry, TarReader& tar,
                                        const LayerDisk::NewFile& file, LayerEntry& line) {
  Crc64 crc;
  std::uint64_t position = 0;
  std::uint64_t data_bytes = 0;
  for (;;) {
    const std::optional<TarData> piece = TRY(tar.data());
    if (!piece) break;
    if (piece->offset != position) {
      crc.update_zeros(piece->offset - position);
      if (::lseek(file.fd.get(), static_cast<off_t>(piece->offset), SEEK_SET) < 0)
        return sys_error("lseek");
    }
    TRY(write_all(file.fd, piece->bytes));
    crc.update(piece->bytes);
    position = piece->offset + piece->bytes.size();
    data_bytes += piece->bytes.size();
  }
  if (position != entry.size) {
    crc.update_zeros(entry.size - position);
    if (::ftruncate(file.fd.get(), static_cast<off_t>(entry.size)) != 0)
      return sys_error("ftruncate");
  }
  line.crc = crc.value();
  disk_bytes_ += (data_bytes + kDiskBlock - 1) / kDiskBlock * kDiskBlock;
  return {};
}

Result<void> LayerBuilder::add_symlink(const TarEntry& entry, Place place) {
  TRY(clear(place));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  const LayerEntry line = line_of(entry, Type::symlink);
  const NodeId node = record(place, Kind::symlink, line, entry.target);
  return disk_.make_symlink(parent, tree_[node].name.data(), tree_[node].target.data(),
                            time_of(line));
}

Result<void> LayerBuilder::add_fifo(const TarEntry& entry, Place place) {
  TRY(clear(place));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  const LayerEntry line = line_of(entry, Type::fifo);
  const NodeId node = record(place, Kind::other, line);
  return disk_.make_fifo(parent, tree_[node].name.data(), stored_mode(line), time_of(line));
}

Result<void> LayerBuilder::add_skipped(const TarEntry& entry, Place place) {
  TRY(clear(place));
  record(place, Kind::other, line_of(entry, Type::skipped));
  return {};
}

// The entry's own mode and time say nothing: they are the target's, which may be a symlink
// (CVE-2021-32760).
Result<void> LayerBuilder::add_hard_link(const TarEntry& entry, Place place) {
  const std::string path = TRY(clean_path(entry.target));
  if (path.empty()) return Error{Fault::invalid, "hard link to the image's root"};
  const NodeId folder = TRY(tree_.resolve(parent_of(path)));
  const NodeId target = folder == kNoNode ? kNoNode : tree_.find(folder, base_of(path));
  if (target != kNoNode && target == place.existing) return {};
  const bool here = target != kNoNode && event_of(target).entry.type != Type::whiteout;
  if (here && tree_[target].kind == Kind::folder)
    return Error{Fault::invalid, fmt::format("hard link to the folder {}", printable(path))};
  TRY(clear(place));
  if (!here || !is_on_disk(event_of(target).entry.type)) {
    record(place, Kind::other, line_of(entry, Type::pending_link), path);
    return {};
  }
  if (!tree_[target].alive)  // it stood below what this entry replaces
    return Error{Fault::invalid,
                 fmt::format("hard link to {}, which it replaces", printable(path))};
  const NodeId node =
      record(place, tree_[target].kind, line_of(entry, Type::hard_link), tree_[target].target);
  events_.back().primary = event_of(target).primary;
  const BorrowedFd from = TRY(folders_.open(folder));
  const BorrowedFd parent = TRY(folders_.open(place.parent));
  return disk_.make_link(from, tree_[target].name.data(), parent, tree_[node].name.data());
}

}  // namespace podpilot::oci
