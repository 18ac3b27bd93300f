// SPDX-License-Identifier: Apache-2.0
// A thread for calls that block, beside a poll loop: work goes in, what is to be done with its
// result on the loop comes out.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "agent/mailbox.h"
#include "sandbox/base/poller.h"
#include "sandbox/base/result.h"

namespace podpilot::agent {

class Worker {
 public:
  using Task = std::function<void()>;

  // Starts the thread. The poller must outlive this.
  static Result<std::unique_ptr<Worker>> create(Poller& poller);
  // Lets all work that waits run to its end; results that were not yet called are dropped.
  ~Worker();

  // Runs `work` on the thread, in order; what it returns is then called on the loop.
  void run(std::function<Task()> work);

 private:
  Worker() = default;
  void loop(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::deque<std::function<Task()>> work_;
  std::unique_ptr<Mailbox> results_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace podpilot::agent
