// SPDX-License-Identifier: Apache-2.0
// What a stored layer contains and what its tar said of it: one line an entry, FORMAT.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "oci/layer/crc.h"
#include "oci/layer/spill_vector.h"
#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::oci {

struct LayerEntry {
  enum class Type : char {
    folder = 'D',
    file = 'F',
    hard_link = 'H',  // to the F, S or P line of this layer whose path is `target`
    symlink = 'S',
    fifo = 'P',
    skipped = 'X',       // a device or socket: nothing on disk, hides what is below
    pending_link = 'L',  // a hard link to something in a lower layer: nothing on disk
    whiteout = 'W',
    opaque = 'O',
  };

  Type type = Type::file;
  bool implied = false;     // a folder that no entry names
  bool xattrs = false;      // user.* ones are on disk
  bool capability = false;  // had security.capability, which is not on disk
  std::uint16_t mode = 0;   // as the tar said, with set-id bits
  std::uint32_t mtime_nsec = 0;
  std::int64_t mtime = 0;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint64_t size = 0;
  std::uint64_t crc = 0;
  std::string_view path;  // "" is the root
  std::string_view target;
};

struct LayerTotals {
  std::uint64_t entries = 0;
  std::uint64_t disk_bytes = 0;  // about what removing the layer would free
};

// In the order of the tar. Paths are real ones within the layer: no component but the last is a
// symlink.
struct LayerIndex {
  explicit LayerIndex(std::shared_ptr<Spill> spill) : memory(std::move(spill)), entries(memory) {}

  std::shared_ptr<Spill> memory;  // of the entries and their strings
  LayerTotals totals;
  std::string boot;  // the kernel's boot id when it was written, "" if unknown
  SpillVector<LayerEntry> entries;
};

// Takes an index piece by piece.
class LayerIndexParser {
 public:
  explicit LayerIndexParser(std::shared_ptr<Spill> memory) : index_(std::move(memory)) {}

  void take(std::string_view piece);
  // Fault::corrupt for anything but a complete index, unsupported for another format number.
  Result<LayerIndex> finish();

 private:
  void take_line();
  Result<void> take_entry();

  LayerIndex index_;
  std::string line_;
  std::uint64_t lines_ = 0;
  Crc64 crc_;
  bool ours_ = false;
  std::optional<std::string> end_;  // the last line, with nothing after it
  Result<void> entries_;            // the first line that is none: told if the checksum is right
};

Result<LayerIndex> parse_layer_index(std::string_view text,
                                     std::shared_ptr<Spill> memory = std::make_shared<Spill>());
// The totals only, from the file's last line, and the boot only, from its first.
Result<LayerTotals> read_layer_totals(BorrowedFd file);
Result<std::string> read_layer_boot(BorrowedFd file);

class LayerIndexWriter {
 public:
  LayerIndexWriter(BorrowedFd file, std::string_view boot);
  Result<void> add(const LayerEntry& entry);
  // Writes the last line, without which an index counts as none.
  Result<void> finish(std::uint64_t disk_bytes);

 private:
  Result<void> flush();

  BorrowedFd file_;
  std::string buffer_;
  Crc64 crc_;
  std::uint64_t entries_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace podpilot::oci
