// SPDX-License-Identifier: Apache-2.0
#include "oci/layer/block_queue.h"

#include <utility>

namespace podpilot::oci {

BlockQueue::BlockQueue(std::size_t blocks) {
  for (std::size_t i = 0; i < blocks; ++i) empty_.push_back(Block::allocate());
}

Result<Block> BlockQueue::wait_empty(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [&] { return reader_error_ || !empty_.empty(); });
  if (reader_error_) return Error(*reader_error_);
  Block block = std::move(empty_.back());
  empty_.pop_back();
  block.size = 0;
  return block;
}

Result<Block> BlockQueue::first() {
  std::unique_lock lock(mutex_);
  return wait_empty(lock);
}

Result<Block> BlockQueue::push(Block full) {
  std::unique_lock lock(mutex_);
  full_.push_back(std::move(full));
  changed_.notify_all();
  return wait_empty(lock);
}

void BlockQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void BlockQueue::fail(Error reason) {
  const std::lock_guard lock(mutex_);
  writer_error_ = std::move(reason);
  changed_.notify_all();
}

Result<Block> BlockQueue::pull(Block spent) {
  std::unique_lock lock(mutex_);
  if (spent.data) {
    empty_.push_back(std::move(spent));
    changed_.notify_all();
  }
  changed_.wait(lock, [&] { return writer_error_ || closed_ || !full_.empty(); });
  if (writer_error_) return Error(*writer_error_);
  if (full_.empty()) return Block{};
  Block block = std::move(full_.front());
  full_.pop_front();
  return block;
}

void BlockQueue::give_up(Error reason) {
  const std::lock_guard lock(mutex_);
  reader_error_ = std::move(reason);
  changed_.notify_all();
}

}  // namespace podpilot::oci
