// SPDX-License-Identifier: Apache-2.0
// Where other threads leave what a poll loop is to call.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "sandbox/base/fd.h"
#include "sandbox/base/poller.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

class Mailbox {
 public:
  using Call = std::function<void()>;

  // The poller must outlive this. Made and destroyed on its thread; what was left and not called
  // yet is dropped then.
  static Result<std::unique_ptr<Mailbox>> create(Poller& poller);
  ~Mailbox() { *alive_ = false; }

  // From any thread; called on the loop in the order of leaving.
  void leave(Call call);
  // What waits is dropped, and so is what is left from now on.
  void close();

 private:
  Mailbox() = default;
  void deliver();

  UniqueFd wake_;  // eventfd: calls wait
  std::mutex mutex_;
  std::deque<Call> calls_;
  bool closed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Poller::Handle watch_;
};

}  // namespace podpilot::agent
