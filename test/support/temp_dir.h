// SPDX-License-Identifier: Apache-2.0
// A folder of a test's own, gone with it. Any failure here is a broken machine: abort.
#pragma once

#include <string>
#include <string_view>

#include "sandbox/base/fd.h"

namespace podpilot::test {

// /dev/shm where we may write there: fsync costs nothing in memory.
std::string in_memory();

class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/tmp");
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const;
  BorrowedFd fd() const { return fd_; }

  // Folders on the way are made.
  void write(std::string_view name, std::string_view bytes) const;
  void make_dir(std::string_view name) const;
  std::string read(std::string_view name) const;
  bool has(std::string_view name) const;

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace podpilot::test
