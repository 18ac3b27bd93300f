// SPDX-License-Identifier: Apache-2.0
// Where a walk is in trees of the same shape, folders before what is in them, and what it owes to
// the folders on its way when it leaves them: their modes. One path instead of open descriptors, so
// that neither depth nor the number of trees has a limit.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/base/fd.h"
#include "sandbox/base/result.h"
#include "sandbox/ledger.h"

namespace podpilot::sandbox {

class TreePath {
 public:
  struct Folder {
    UniqueFd fd;
    struct stat was{};  // before it was opened up
  };

  explicit TreePath(Ledger& ledger) : ledger_(ledger) {}
  TreePath(const TreePath&) = delete;
  TreePath& operator=(const TreePath&) = delete;
  ~TreePath();

  // Leaves what is deeper than `depth` - 1 and goes to the folder `name` there; the root is "" of
  // depth 0.
  Result<void> enter(std::size_t depth, std::string_view name);
  Result<void> leave();

  const std::string& text() const { return text_; }  // "usr/bin"; "" is the root
  std::string below(std::string_view name) const;

  // That folder of one of the trees, to read; opened up until it is left where its owner, who we
  // are, cannot read or enter it. The root outlives this.
  Result<Folder> open(BorrowedFd root);
  void set_mode_when_left(BorrowedFd root, mode_t mode);

 private:
  struct Owed {
    BorrowedFd root;
    mode_t mode = 0;
    struct stat was{};
  };
  struct Level {
    std::size_t above = 0;  // length of the path without it
    std::vector<Owed> owed;
  };

  Result<void> open_up(BorrowedFd root);
  Result<void> leave_last();

  Ledger& ledger_;
  std::string text_;
  std::vector<Level> levels_;
};

}  // namespace podpilot::sandbox
