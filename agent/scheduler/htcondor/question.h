// SPDX-License-Identifier: Apache-2.0
// A thread that needs to know something from the poll loop.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "agent/mailbox.h"
#include "sandbox/base/deadline.h"

namespace podpilot::agent::htcondor {

// The loop's way to answer, at once or later; the first answer counts. Copies are the same one;
// when the last goes without an answer, whoever asked is told that there is none.
template <typename T>
class Reply {
 public:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<T> value;
    bool over = false;
  };
  explicit Reply(std::shared_ptr<Shared> shared) : last_(new Last{std::move(shared)}) {}
  void operator()(T value) const {
    const std::lock_guard lock(last_->shared->mutex);
    if (!last_->shared->value) last_->shared->value = std::move(value);
    last_->shared->changed.notify_one();
  }

 private:
  struct Last {
    std::shared_ptr<Shared> shared;
    ~Last() {
      const std::lock_guard lock(shared->mutex);
      shared->over = true;
      shared->changed.notify_one();
    }
  };
  std::shared_ptr<Last> last_;
};

// Blocks. Nothing where the loop ended, did not answer, or not in time.
template <typename T>
std::optional<T> ask(Mailbox& loop, Deadline deadline, std::function<void(Reply<T>)> question) {
  const auto shared = std::make_shared<typename Reply<T>::Shared>();
  loop.leave([question = std::move(question), reply = Reply<T>(shared)] { question(reply); });
  std::unique_lock lock(shared->mutex);
  shared->changed.wait_until(lock, deadline.at(), [&] { return shared->value || shared->over; });
  return std::move(shared->value);
}

}  // namespace podpilot::agent::htcondor
