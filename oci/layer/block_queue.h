// SPDX-License-Identifier: Apache-2.0
// The bounded queue between the thread that receives and inflates a layer and the one that hashes
// and unpacks it. Each side can end the other with an Error.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "oci/layer/block.h"

namespace podpilot::oci {

class BlockQueue {
 public:
  // All the memory it will ever hold: `blocks` times Block::kCapacity.
  explicit BlockQueue(std::size_t blocks);

  // The writer's side. push() waits for an empty block, and fails with the reader's Error.
  Result<Block> first();
  Result<Block> push(Block full);
  void close();             // the stream is complete
  void fail(Error reason);  // the stream is broken

  // The reader's side. Takes back `spent`, waits for the next block; one without bytes is the end.
  Result<Block> pull(Block spent);
  // No more will be read.
  void give_up(Error reason);

 private:
  Result<Block> wait_empty(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block> full_;
  std::vector<Block> empty_;
  bool closed_ = false;
  std::optional<Error> writer_error_;
  std::optional<Error> reader_error_;
};

}  // namespace podpilot::oci
