// SPDX-License-Identifier: Apache-2.0
// A vector whose elements lie in a Spill. They stay where they are when it grows.
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "oci/layer/spill.h"

namespace podpilot::oci {

template <typename T>
class SpillVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static constexpr std::size_t kEach = std::bit_floor(Spill::kChunk / sizeof(T));

 public:
  explicit SpillVector(std::shared_ptr<Spill> memory) : memory_(std::move(memory)) {}
  SpillVector(SpillVector&& other) noexcept { swap(other); }
  SpillVector& operator=(SpillVector&& other) noexcept {
    swap(other);
    return *this;
  }
  ~SpillVector() {
    for (T* chunk : chunks_) memory_->give_back(reinterpret_cast<char*>(chunk));
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](std::size_t i) {
    memory_->look();
    return chunks_[i / kEach][i % kEach];
  }
  const T& operator[](std::size_t i) const {
    memory_->look();
    return chunks_[i / kEach][i % kEach];
  }
  T& back() { return (*this)[size_ - 1]; }

  void push_back(const T& value) {
    if (size_ == chunks_.size() * kEach) chunks_.push_back(reinterpret_cast<T*>(memory_->chunk()));
    ++size_;
    ::new (&back()) T(value);
  }
  void pop_back() { --size_; }
  void append(std::size_t count, const T& value) {
    for (; count > 0; --count) push_back(value);
  }

 private:
  void swap(SpillVector& other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(chunks_, other.chunks_);
    std::swap(size_, other.size_);
  }

  std::shared_ptr<Spill> memory_;
  std::vector<T*> chunks_;
  std::size_t size_ = 0;
};

}  // namespace podpilot::oci
