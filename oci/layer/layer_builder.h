// SPDX-License-Identifier: Apache-2.0
// Unpacks the entries of one layer into an empty folder, in overlay format, and keeps what its
// index will say. Nobody else may write below that folder meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "oci/layer/file_tree.h"
#include "oci/layer/folder_cache.h"
#include "oci/layer/layer_disk.h"
#include "oci/layer/layer_index.h"
#include "oci/layer/spill_vector.h"
#include "oci/layer/tar_reader.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

class LayerBuilder {
 public:
  // `root` outlives the builder; `umask` is this process' own.
  LayerBuilder(BorrowedFd root, mode_t umask);

  // The entry that `tar` stands at, with its content. Errors name the entry.
  Result<void> add(const TarEntry& entry, TarReader& tar);
  // Gives folders their modes and times: after the last entry.
  Result<void> finish();
  Result<void> write_index(BorrowedFd file, std::string_view boot) const;

 private:
  // One line of the index to be. It counts while its node lives and still has it as its value;
  // a whiteout's and an opaque marker's `node` is the folder, and they count while that lives.
  struct Event {
    LayerEntry entry;  // `path` stays empty; a whiteout's `target` is its name
    NodeId node = kNoNode;
    std::uint32_t primary = 0;    // the first event of the same inode
    std::uint16_t made_with = 0;  // a folder's mode on disk before finish()
  };
  struct Place {
    NodeId parent = FileTree::kRoot;
    std::string_view name;
    NodeId existing = kNoNode;
  };

  Result<void> add_clean(const TarEntry& entry, TarReader& tar);
  Result<void> add_plain(const TarEntry& entry, std::string_view path, TarReader& tar);
  Result<void> add_root(const TarEntry& entry);
  Result<void> add_folder(const TarEntry& entry, Place place);
  Result<void> add_file(const TarEntry& entry, Place place, TarReader& tar);
  Result<void> add_symlink(const TarEntry& entry, Place place);
  Result<void> add_fifo(const TarEntry& entry, Place place);
  Result<void> add_skipped(const TarEntry& entry, Place place);
  Result<void> add_hard_link(const TarEntry& entry, Place place);
  Result<void> add_whiteout(std::string_view path);
  Result<void> add_opaque(std::string_view path);

  Result<NodeId> folder_at(std::string_view path);
  Result<NodeId> marked_folder(std::string_view path);
  Result<NodeId> implied_folder(NodeId parent, std::string_view name, NodeId existing);
  Result<NodeId> new_folder(Place place, const LayerEntry& line);
  void describe_again(NodeId folder, const LayerEntry& line);
  Result<void> clear(Place place);
  Result<void> copy_content(const TarEntry& entry, TarReader& tar, const LayerDisk::NewFile& file,
                            LayerEntry& line);
  Result<void> set_opaque(NodeId folder);

  NodeId record(Place place, FileTree::Kind kind, const LayerEntry& line,
                std::string_view target = {});
  void record_marker(LayerEntry::Type type, NodeId folder, std::string_view name);
  const Event& event_of(NodeId node) const { return events_[tree_[node].value]; }
  bool is_whiteout(NodeId node) const;
  bool counts(std::size_t event) const;

  std::shared_ptr<Spill> memory_;
  FileTree tree_;
  BorrowedFd root_;
  FolderCache folders_;
  LayerDisk disk_;
  SpillVector<Event> events_;
  std::uint64_t entries_ = 0;
  std::uint64_t logical_bytes_ = 0;
  std::uint64_t disk_bytes_ = 0;
};

}  // namespace podpilot::oci
