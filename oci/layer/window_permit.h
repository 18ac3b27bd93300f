// SPDX-License-Identifier: Apache-2.0
// Memory for a zstd window above kFreeZstdWindow goes to one layer of this process at a time.
#pragma once

#include <utility>

namespace podpilot::oci {

class WindowPermit {
 public:
  WindowPermit() = default;  // holds nothing
  ~WindowPermit();
  WindowPermit(WindowPermit&& other) noexcept : held_(std::exchange(other.held_, false)) {}
  WindowPermit& operator=(WindowPermit&& other) noexcept {
    std::swap(held_, other.held_);
    return *this;
  }

  // Waits until no other layer has it. It may be given back by another thread.
  static WindowPermit wait();
  bool held() const { return held_; }

 private:
  bool held_ = false;
};

}  // namespace podpilot::oci
