// SPDX-License-Identifier: Apache-2.0
// A tar stream (ustar, pax, GNU, sparse) as a list of entries, by libarchive. Names are bytes: they
// are never converted, whatever the locale, and not yet checked for `..` and the like.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/base/result.h"

struct archive;
struct archive_entry;

namespace podpilot::oci {

struct TarEntry {
  enum class Type { file, folder, symlink, hard_link, fifo, device, socket };

  Type type = Type::file;
  std::string path;
  std::string target;  // of a symlink or hard link
  mode_t mode = 0;     // the 07777 bits
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint64_t size = 0;  // of a file, with its holes
  std::int64_t mtime = 0;
  std::uint32_t mtime_nsec = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

// A piece of a file's content. What lies between pieces, and after the last one, is a hole.
struct TarData {
  std::string_view bytes;  // valid until the next call
  std::uint64_t offset = 0;
};

class TarReader {
 public:
  // The next bytes of the stream, valid until the next call; none at its end.
  using Source = std::function<Result<std::string_view>()>;
  // Passes over up to `bytes` of the stream without reading them; how many it were.
  using Skip = std::function<std::uint64_t(std::uint64_t bytes)>;

  explicit TarReader(Source source, Skip skip = {});
  ~TarReader();

  // False at the archive's end, which need not be the stream's: who verifies reads on.
  Result<bool> next(TarEntry& entry);
  // The next piece of the entry last read, in ascending order and within its size; nothing at the
  // end. Unread pieces are skipped by next().
  Result<std::optional<TarData>> data();

 private:
  struct Close {
    void operator()(archive* a) const;
  };
  static ssize_t read_source(archive* a, void* self, const void** bytes);
  static std::int64_t skip_source(archive* a, void* self, std::int64_t bytes);
  Result<void> open();
  Result<bool> advance(archive_entry** raw);
  Result<void> fill(archive_entry* raw, TarEntry& entry) const;
  Error failure(std::string_view what);

  Source source_;
  Skip skip_;
  std::optional<Error> source_error_;
  std::unique_ptr<archive, Close> archive_;
  bool opened_ = false;
  std::uint64_t delivered_ = 0;  // bytes, to libarchive
  bool primed_ = false;
  std::string last_;            // the current entry's path
  std::uint64_t size_ = 0;      // of the current entry
  std::uint64_t position_ = 0;  // where the last piece ended
};

}  // namespace podpilot::oci
