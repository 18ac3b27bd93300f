// SPDX-License-Identifier: Apache-2.0
#include "agent/worker.h"

namespace podpilot::agent {

Result<std::unique_ptr<Worker>> Worker::create(Poller& poller) {
  std::unique_ptr<Worker> worker(new Worker);
  worker->results_ = TRY(Mailbox::create(poller));
  worker->thread_ =
      std::jthread([self = worker.get()](const std::stop_token& stop) { self->loop(stop); });
  return worker;
}

Worker::~Worker() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Worker::run(std::function<Task()> work) {
  const std::lock_guard lock(mutex_);
  work_.push_back(std::move(work));
  arrived_.notify_one();
}

void Worker::loop(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait(lock, stop, [this] { return !work_.empty(); })) return;
    const std::function<Task()> work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    results_->leave(work());
  }
}

}  // namespace podpilot::agent
