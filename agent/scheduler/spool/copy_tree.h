// SPDX-License-Identifier: Apache-2.0
// Copies files, folders and symlinks from a place that may be hostile: no symlink is followed, no
// device or FIFO is opened, set-id bits are dropped, holes stay holes, and everything has a limit.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"

namespace podpilot::agent::spool {

struct CopyLimits {
  std::uint64_t entries = 1'000'000;
  std::uint64_t bytes = 1ULL << 40;  // of data; holes are free
  int depth = 64;
};

class TreeCopier {
 public:
  // `target` must outlive this. A stop ends a copy with Fault::transient.
  TreeCopier(BorrowedFd target, CopyLimits limits, std::stop_token stop)
      : target_(target), limits_(limits), stop_(std::move(stop)) {}

  // What is at `path` below `source` goes to `name` below the target, whose folders are made as
  // needed. Both are clean relative paths. Fault::not_found: nothing there; Fault::invalid: it is
  // reached through a symlink, is neither file, folder nor symlink, or is there already.
  Result<void> copy(BorrowedFd source, const std::string& path, const std::string& name);

  // Special files inside of copied folders: left out, at most a hundred are named.
  const std::vector<std::string>& skipped() const { return skipped_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Place {
    BorrowedFd folder;
    const std::string& name;
  };
  Result<void> entry(Place from, Place to, const std::string& shown, int depth);
  Result<void> file(BorrowedFd in, Place to);
  Result<void> data(BorrowedFd in, BorrowedFd out, std::int64_t begin, std::int64_t end);
  Result<void> folder(BorrowedFd in, Place to, const std::string& shown, int depth);
  Result<void> symlink(Place from, Place to);
  Result<void> count(std::uint64_t bytes, std::uint64_t entries);

  BorrowedFd target_;
  CopyLimits limits_;
  std::stop_token stop_;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<std::string> skipped_;
};

}  // namespace podpilot::agent::spool
