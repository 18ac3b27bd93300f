// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/spill.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstring>

namespace podpilot::oci {
namespace {

std::atomic<std::size_t> heap_of_process{0};

// The third field of /proc/PID/statm: resident pages of files and shared memory (proc(5)).
std::size_t mapped_file_bytes(BorrowedFd statm) {
  std::array<char, 128> line{};
  const ssize_t n = ::pread(statm.get(), line.data(), line.size(), 0);
  if (n <= 0) return SIZE_MAX;
  const char* at = line.data();
  const char* const end = at + n;
  std::size_t pages = 0;
  for (int field = 0; field < 3; ++field) {
    const auto [stop, error] = std::from_chars(at, end, pages);
    if (error != std::errc()) return SIZE_MAX;
    at = stop == end ? stop : stop + 1;
  }
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Spill::~Spill() {
  for (char* extent : extents_) ::munmap(extent, kExtent);
  heap_of_process -= heap_bytes_;
}

char* Spill::chunk() {
  if (free_.empty()) return take(kChunk);
  char* const chunk = free_.back();
  free_.pop_back();
  return chunk;
}

std::string_view Spill::keep(std::string_view text) {
  const std::size_t size = text.size() + 1;
  char* place = nullptr;
  if (size > kChunk / 4) {
    place = take(size);
  } else {
    if (text_left_ < size) {
      text_ = take(kChunk);
      text_left_ = kChunk;
    }
    place = text_ + (kChunk - text_left_);
    text_left_ -= size;
  }
  if (!text.empty()) std::memcpy(place, text.data(), text.size());
  place[text.size()] = 0;
  return {place, text.size()};
}

char* Spill::take(std::size_t bytes) {
  if (heap_of_process + bytes > kHeapOfProcess)
    if (char* const place = take_from_file(bytes)) return place;
  heap_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
  heap_bytes_ += bytes;
  heap_of_process += bytes;
  return heap_.back().get();
}

char* Spill::take_from_file(std::size_t bytes) {
  constexpr std::size_t kAlign = alignof(std::max_align_t);
  bytes = (bytes + kAlign - 1) / kAlign * kAlign;
  if (bytes > kExtent || (extent_left_ < bytes && !grow())) return nullptr;
  char* const place = extents_.back() + (kExtent - extent_left_);
  extent_left_ -= bytes;
  return place;
}

// The blocks are reserved first: a write to a page that has none, on a full disk, is SIGBUS.
bool Spill::grow() {
  if (!file_ && folder_.get() >= 0) {
    file_ = UniqueFd(::openat(folder_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
    statm_ = UniqueFd(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  }
  if (!file_ || !statm_) return false;
  const auto offset = static_cast<off_t>(extents_.size() * kExtent);
  if (::fallocate(file_.get(), 0, offset, kExtent) != 0) return false;
  void* const extent =
      ::mmap(nullptr, kExtent, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), offset);
  if (extent == MAP_FAILED) return false;
  extents_.push_back(static_cast<char*>(extent));
  extent_left_ = kExtent;
  return true;
}

// MADV_DONTNEED of a shared mapping takes pages out of the process and loses nothing: they come
// back from the file (madvise(2)).
void Spill::shrink_window() {
  if (mapped_file_bytes(statm_) <= kMappedFilesOfProcess) return;
  for (char* extent : extents_) ::madvise(extent, kExtent, MADV_DONTNEED);
}

}  // namespace podpilot::oci
