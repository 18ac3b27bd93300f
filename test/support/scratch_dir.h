// SPDX-License-Identifier: Apache-2.0
// A folder of the test's own for hostile trees: modes and links are set, and whatever the test left
// in it is gone at its end.
#pragma once

#include <string>
#include <string_view>

#include "sandbox/base/fd.h"

namespace podpilot::test {

class ScratchDir {
 public:
  explicit ScratchDir(std::string_view name = "podpilot-test");
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  ~ScratchDir();

  const std::string& path() const { return path_; }
  BorrowedFd fd() const { return fd_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Names are relative; folders on the way are made.
  void write(const std::string& name, std::string_view content, mode_t mode = 0644) const;
  void folder(const std::string& name, mode_t mode = 0755) const;
  void link(const std::string& name, const std::string& points_at) const;
  std::string read(const std::string& name) const;

 private:
  std::string path_;
  DirFd fd_;
};

}  // namespace podpilot::test
