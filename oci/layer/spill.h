// SPDX-License-Identifier: Apache-2.0
// Memory for what grows with the number of an image's entries, of which there may be millions. The
// first MiBs of a process are ordinary memory, enough for ordinary images. What is beyond lies in a
// file without a name: its pages are the kernel's to write out, and only a window of them is mapped
// into the process at a time. Where the disk makes no such file (O_TMPFILE, fallocate(2)), all of
// it is ordinary memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "sandbox/base/fd.h"

namespace podpilot::oci {

// For one thread at a time.
class Spill {
 public:
  static constexpr std::size_t kChunk = 16 << 10;
  static constexpr std::size_t kHeapOfProcess = 12 << 20;  // all Spills together
  // Text of the program and other files of the process count, too.
  static constexpr std::size_t kMappedFilesOfProcess = 32 << 20;

  // Ordinary memory only.
  Spill() = default;
  // `folder`, which outlives this, is of the disk for the file.
  explicit Spill(BorrowedFd folder) : folder_(folder) {}
  Spill(const Spill&) = delete;
  Spill& operator=(const Spill&) = delete;
  ~Spill();

  // Of kChunk bytes, aligned for any type, not cleared; stays until it is given back, at most as
  // long as the Spill.
  char* chunk();
  void give_back(char* chunk) { free_.push_back(chunk); }
  // A copy with a NUL behind it that stays as long as the Spill.
  std::string_view keep(std::string_view text);

  // Called with each look at a chunk: unmaps the window once it is too large. Addresses stay valid.
  void look() {
    if (!extents_.empty() && ++looks_ % kLooksBetween == 0) shrink_window();
  }

 private:
  static constexpr std::size_t kExtent = 16 << 20;
  // A look maps some pages of 64 KiB in all where the kernel reads around a fault.
  static constexpr std::uint32_t kLooksBetween = 64;

  char* take(std::size_t bytes);
  char* take_from_file(std::size_t bytes);
  bool grow();
  void shrink_window();

  BorrowedFd folder_{-1};
  UniqueFd file_;
  UniqueFd statm_;
  std::vector<char*> extents_;
  std::size_t extent_left_ = 0;
  std::vector<std::unique_ptr<char[]>> heap_;
  std::size_t heap_bytes_ = 0;
  std::vector<char*> free_;
  char* text_ = nullptr;  // the chunk that strings are put into
  std::size_t text_left_ = 0;
  std::uint32_t looks_ = 0;
};

}  // namespace podpilot::oci
