// SPDX-License-Identifier: Apache-2.0
// A folder of its own for a test, removed at the end whatever modes the test left in it.
#pragma once

#include <string>

#include "sandbox/base/fd.h"

namespace podpilot::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  BorrowedFd fd() const { return fd_; }

 private:
  std::string path_;
  DirFd fd_;
};

// One line for everything below `dir`, sorted: "PATH TYPE MODE SIZE|TARGET"; whiteouts are type w,
// "opaque" ends the line of an opaque folder.
std::string list_tree(BorrowedFd dir);

}  // namespace podpilot::test
