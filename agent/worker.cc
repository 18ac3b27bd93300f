// SPDX-License-Identifier: Apache-2.0
#include "agent/worker.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sandbox/base/errno.h"

namespace podpilot::agent {

Result<std::unique_ptr<Worker>> Worker::create(Poller& poller) {
  std::unique_ptr<Worker> worker(new Worker);
  worker->wake_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!worker->wake_) return sys_error("eventfd");
  Worker* self = worker.get();
  worker->watch_ = poller.watch(self->wake_, POLLIN, [self](short) { self->deliver(); });
  worker->thread_ = std::jthread([self](const std::stop_token& stop) { self->loop(stop); });
  return worker;
}

Worker::~Worker() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  *alive_ = false;
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
    Task result = work();
    lock.lock();
    results_.push_back(std::move(result));
    // The counter cannot overflow: deliver() resets it.
    ::eventfd_write(wake_.get(), 1);
  }
}

void Worker::deliver() {
  eventfd_t count = 0;
  ::eventfd_read(wake_.get(), &count);
  std::deque<Task> results;
  {
    const std::lock_guard lock(mutex_);
    results.swap(results_);
  }
  // A result may be the end of this worker.
  const std::shared_ptr<bool> alive = alive_;
  for (const Task& result : results)
    if (*alive && result) result();
}

}  // namespace podpilot::agent
